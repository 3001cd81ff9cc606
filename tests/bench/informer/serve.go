package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/streaming"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

const (
	jsonType     = "application/json"
	protobufType = "application/vnd.kubernetes.protobuf"
	// What a template has where every pod and every change has a text of its own, of the same length.
	namePlace  = "nnnnnnnnnn"
	uidPlace   = "uuuuuuuu-uuuu-4uuu-8uuu-uuuuuuuuuuuu"
	rvPlace    = "8888888888"
	stampPlace = "7777777777777777777"
	firstRV    = 1_000_000_000
	failingOne = 10
)

// replay holds templates of pods in both encodings; an object is a copy of one with its places filled in.
type replay struct {
	pods, events int
	rate         float64
	healthy      map[string][][]byte
	failing      map[string][][]byte
	start        chan struct{}
}

// serve answers as an API server that has pods and nothing else, and changes them as told once /start is asked for.
func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	templates := flags.String("templates", "", "pods to copy: {healthy: [...], failing: [...]}")
	kubeconfig := flags.String("kubeconfig", "", "where to write the way here")
	pods := flags.Int("pods", 10_000, "how many pods there are")
	events := flags.Int("events", 50_000, "how many changes to send")
	rate := flags.Float64("rate", 0, "changes a second; 0 for as fast as they are read")
	_ = flags.Parse(arguments)

	text, err := os.ReadFile(*templates)
	if err != nil {
		return err
	}
	var given struct{ Healthy, Failing []corev1.Pod }
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	r := &replay{pods: *pods, events: *events, rate: *rate, start: make(chan struct{})}
	if r.healthy, err = encodings(given.Healthy); err != nil {
		return err
	}
	if r.failing, err = encodings(given.Failing); err != nil {
		return err
	}
	certificate, authority, err := selfSigned()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	config := api.NewConfig()
	config.Clusters["replay"] = &api.Cluster{Server: "https://" + listener.Addr().String(), CertificateAuthorityData: authority}
	config.AuthInfos["replay"] = &api.AuthInfo{Token: "anything"}
	config.Contexts["replay"] = &api.Context{Cluster: "replay", AuthInfo: "replay"}
	config.CurrentContext = "replay"
	if err := clientcmd.WriteToFile(*config, *kubeconfig); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/pods", r.answer)
	mux.HandleFunc("/api", constant(`{"kind":"APIVersions","versions":["v1"]}`))
	mux.HandleFunc("/apis", constant(`{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`))
	mux.HandleFunc("/api/v1", constant(`{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods",`+
		`"singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list","watch","patch"],"shortNames":["po"]},`+
		// Kopf does not begin before it knows of namespaces.
		`{"name":"namespaces","singularName":"namespace","namespaced":false,"kind":"Namespace","verbs":["get","list","watch"]}]}`))
	mux.HandleFunc("/start", func(w http.ResponseWriter, _ *http.Request) { close(r.start) })
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	fmt.Println("READY")
	return server.ServeTLS(listener, "", "")
}

func constant(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprint(w, text)
	}
}

func encodings(pods []corev1.Pod) (map[string][][]byte, error) {
	encoded := map[string][][]byte{}
	for _, kind := range []string{jsonType, protobufType} {
		info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), kind)
		encoder := scheme.Codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion)
		for i := range pods {
			text, err := runtime.Encode(encoder, &pods[i])
			if err != nil {
				return nil, err
			}
			encoded[kind] = append(encoded[kind], bytes.TrimSpace(text))
		}
	}
	return encoded, nil
}

// object fills a template in: pod `index` in the version that change `number` gives it.
func (r *replay) object(kind string, index, number int, stamp int64) []byte {
	templates := r.healthy[kind]
	if index%failingOne == 0 {
		templates = r.failing[kind]
	}
	text := bytes.Clone(templates[(number/r.pods+number)%len(templates)])
	for place, value := range map[string]string{
		namePlace: fmt.Sprintf("pod-%06d", index), uidPlace: fmt.Sprintf("00000000-0000-4000-8000-%012d", index),
		rvPlace: strconv.Itoa(firstRV + number), stampPlace: fmt.Sprintf("%019d", stamp),
	} {
		for at := bytes.Index(text, []byte(place)); at >= 0; at = bytes.Index(text, []byte(place)) {
			copy(text[at:], value)
		}
	}
	return text
}

func (r *replay) answer(w http.ResponseWriter, request *http.Request) {
	kind := jsonType
	if strings.HasPrefix(request.Header.Get("Accept"), protobufType) {
		kind = protobufType
	}
	if request.URL.Query().Get("watch") != "" {
		r.watch(w, request, kind)
		return
	}
	w.Header().Set("Content-Type", kind)
	if err := r.list(w, request, kind); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (r *replay) list(w http.ResponseWriter, request *http.Request, kind string) error {
	query := request.URL.Query()
	from, _ := strconv.Atoi(query.Get("continue"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	to := r.pods
	if limit > 0 {
		to = min(to, from+limit)
	}
	metadata := metav1.ListMeta{ResourceVersion: strconv.Itoa(firstRV)}
	if to < r.pods {
		metadata.Continue = strconv.Itoa(to)
	}
	if kind == protobufType {
		list := corev1.PodList{ListMeta: metadata}
		decoder := scheme.Codecs.UniversalDeserializer()
		for index := from; index < to; index++ {
			pod := corev1.Pod{}
			if _, _, err := decoder.Decode(r.object(kind, index, 0, 0), nil, &pod); err != nil {
				return err
			}
			list.Items = append(list.Items, pod)
		}
		info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), kind)
		return scheme.Codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion).Encode(&list, w)
	}
	head, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	namesOnly := strings.Contains(request.Header.Get("Accept"), "PartialObjectMetadataList")
	fmt.Fprintf(w, `{"kind":"PodList","apiVersion":"v1","metadata":%s,"items":[`, head)
	for index := from; index < to; index++ {
		if index > from {
			_, _ = w.Write([]byte(","))
		}
		if namesOnly {
			fmt.Fprintf(w, `{"metadata":{"uid":"00000000-0000-4000-8000-%012d"}}`, index)
			continue
		}
		_, _ = w.Write(r.object(kind, index, 0, 0))
	}
	_, err = w.Write([]byte("]}"))
	return err
}

func (r *replay) watch(w http.ResponseWriter, request *http.Request, kind string) {
	flush := w.(http.Flusher).Flush
	send := func(what string, object []byte) error {
		_, err := fmt.Fprintf(w, "{\"type\":%q,\"object\":%s}\n", what, object)
		return err
	}
	w.Header().Set("Content-Type", kind)
	if kind == protobufType {
		w.Header().Set("Content-Type", protobufType+";stream=watch")
		info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), kind)
		events := streaming.NewEncoder(info.StreamSerializer.Framer.NewFrameWriter(w),
			scheme.Codecs.EncoderForVersion(info.StreamSerializer.Serializer, corev1.SchemeGroupVersion))
		send = func(what string, object []byte) error {
			return events.Encode(&metav1.WatchEvent{Type: what, Object: runtime.RawExtension{Raw: object}})
		}
	}
	w.WriteHeader(http.StatusOK)
	if request.URL.Query().Get("sendInitialEvents") == "true" {
		for index := range r.pods {
			_ = send("ADDED", r.object(kind, index, 0, 0))
		}
		end := corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			ResourceVersion: strconv.Itoa(firstRV), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
		}}
		encoded, err := encodings([]corev1.Pod{end})
		if err != nil {
			return
		}
		_ = send("BOOKMARK", encoded[kind][0])
	}
	flush()
	select {
	case <-r.start:
	case <-request.Context().Done():
		return
	}
	begun := time.Now()
	for number := 1; number <= r.events; number++ {
		if r.rate > 0 {
			time.Sleep(time.Until(begun.Add(time.Duration(float64(number) / r.rate * float64(time.Second)))))
		}
		index := number * 7919 % r.pods
		if err := send("MODIFIED", r.object(kind, index, number, time.Now().UnixNano())); err != nil {
			return
		}
		// As the API server does it: what waits to be sent goes out together.
		if r.rate > 0 || number%32 == 0 || number == r.events {
			flush()
		}
	}
	<-request.Context().Done()
}

func selfSigned() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "replay"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, authority, nil
}
