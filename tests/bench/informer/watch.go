package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// watch lists and watches pods with a shared informer and says what a number of changes cost.
func watch(arguments []string) error {
	flags := flag.NewFlagSet("watch", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "the cluster")
	namespace := flags.String("namespace", "", "the only namespace")
	events := flags.Int("events", 1000, "how many changes to wait for")
	content := flags.String("content", "application/vnd.kubernetes.protobuf", "the encoding asked for")
	_ = flags.Parse(arguments)

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.ContentType = *content
	config.AcceptContentTypes = *content
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	begun, begunCPU := time.Now(), cpu()
	latencies := make([]float64, 0, *events)
	done := make(chan struct{})
	var first time.Time
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(*namespace))
	informer := factory.Core().V1().Pods().Informer()
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(_, now any) {
			stamp, err := strconv.ParseInt(now.(*corev1.Pod).Status.Message, 10, 64)
			if err != nil {
				return
			}
			if len(latencies) == 0 {
				first = time.Now()
			}
			latencies = append(latencies, float64(time.Now().UnixNano()-stamp)/1e6)
			if len(latencies) == *events {
				close(done)
			}
		},
	})
	if err != nil {
		return err
	}
	factory.Start(done)
	factory.WaitForCacheSync(done)
	report := map[string]any{
		"list_seconds": time.Since(begun).Seconds(), "list_cpu": cpu() - begunCPU, "objects": len(informer.GetStore().List()),
	}
	time.Sleep(time.Second)
	before := cpu()
	report["rss_after_list"] = rss("VmRSS")
	fmt.Println("READY")
	<-done
	used := cpu() - before
	report["events"] = *events
	report["seconds"] = time.Since(first).Seconds()
	report["cpu"] = used
	report["rss"] = rss("VmRSS")
	report["peak"] = rss("VmHWM")
	sort.Float64s(latencies)
	report["p50"] = latencies[len(latencies)/2]
	report["p99"] = latencies[len(latencies)*99/100]
	report["longest"] = latencies[len(latencies)-1]
	return json.NewEncoder(os.Stdout).Encode(report)
}

// cpu is the CPU time of this process, in seconds.
func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// rss is a figure of /proc/self/status in MB.
func rss(name string) float64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kilobytes, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kilobytes / 1024
		}
	}
	return 0
}
