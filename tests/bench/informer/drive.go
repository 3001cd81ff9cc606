package main

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const driveWorkers = 16

// drive makes pods in a namespace of a real cluster, waits for a line on stdin, and patches their status at a rate; the
// message of a status is the moment at which its patch was sent.
func drive(arguments []string) error {
	flags := flag.NewFlagSet("drive", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "the cluster")
	namespace := flags.String("namespace", "", "an existing namespace")
	pods := flags.Int("pods", 1000, "how many pods to make")
	events := flags.Int("events", 1000, "how many patches to send")
	rate := flags.Float64("rate", 20, "patches a second")
	_ = flags.Parse(arguments)

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	there := client.CoreV1().Pods(*namespace)
	err = each(*pods, func(number int) error {
		_, err := there.Create(context.Background(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: name(number), Labels: map[string]string{"demo.kubedom.dev/behaviour": "by-hand"},
			},
			// On a node already, so that neither the scheduler nor the kubelet's stand-in has work with them.
			Spec: corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "main", Image: "example/main:1"}}},
		}, metav1.CreateOptions{})
		return err
	}, func(int) {})
	if err != nil {
		return err
	}
	fmt.Println("READY")
	var line string
	_, _ = fmt.Scanln(&line)
	begun := time.Now()
	err = each(*events, func(number int) error {
		patch := fmt.Appendf(nil, `{"status":{"phase":"Running","message":"%d"}}`, time.Now().UnixNano())
		_, err := there.Patch(context.Background(), name(number*7919%*pods), types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		return err
	}, func(number int) {
		time.Sleep(time.Until(begun.Add(time.Duration(float64(number) / *rate * float64(time.Second)))))
	})
	fmt.Printf("{\"rate\": %.0f}\n", float64(*events)/time.Since(begun).Seconds())
	return err
}

func name(number int) string { return fmt.Sprintf("pod-%06d", number) }

// each does something for every number with several workers, each number not before `wait` returns.
func each(count int, do func(int) error, wait func(int)) error {
	numbers := make(chan int)
	problems := make(chan error, driveWorkers)
	var workers sync.WaitGroup
	for range driveWorkers {
		workers.Go(func() {
			for number := range numbers {
				if err := do(number); err != nil {
					select {
					case problems <- err:
					default:
					}
				}
			}
		})
	}
	for number := range count {
		wait(number)
		numbers <- number
	}
	close(numbers)
	workers.Wait()
	close(problems)
	return <-problems
}
