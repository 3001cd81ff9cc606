{{/* The pod of one of kubedom's components, with one container.

In: a dictionary of `root`, `component` (its labels' and container's), `values` (its own part of the values), `args` (a list),
`env` (a list), `serves` (whether it has the page), and `user` (whose credentials for NATS, if any).
*/}}
{{- define "kubedom.pod" -}}
{{- $root := .root -}}
{{- $nats := $root.Values.nats -}}
{{- $auth := ternary (include "kubedom.natsAuth" $root) "" (ne .user "") -}}
{{- $file := dict "creds" "creds" "nkey" "nk" -}}
{{- $mounted := hasKey $file $auth -}}
{{- $ca := and .user $nats.caSecret -}}
metadata:
  labels:
    {{- include "kubedom.selector" (list $root .component) | nindent 4 }}
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "kubedom.named" (list $root .component) }}
  automountServiceAccountToken: true
  # Kubernetes would set KUBEDOM_PORT and the like for Services of these names.
  enableServiceLinks: false
  # Longer than pages are told to come back, and the pod is still in a load balancer's list.
  terminationGracePeriodSeconds: {{ ternary (add (ceil $root.Values.serving.drainSeconds) 20) 30 .serves }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
  {{- end }}
  {{- include "kubedom.placing" .values | nindent 2 }}
  {{- if and (eq .component "bridge") .values.topologySpread }}
  topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "kubedom.selector" (list $root $.component) | nindent 8 }}
  {{- end }}
  {{- end }}
  securityContext:
    {{- include "kubedom.podSecurity" . | nindent 4 }}
  containers:
  - name: {{ .component }}
    image: {{ include "kubedom.image" (list $root.Values.image $root.Chart.AppVersion) }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args:
    {{- range .args }}
    - {{ . | quote }}
    {{- end }}
    {{- if $mounted }}
    - {{ printf "--nats-%s=/etc/kubedom/nats/%s.%s" $auth .user (get $file $auth) | quote }}
    {{- end }}
    {{- if $ca }}
    - "--nats-ca=/etc/kubedom/ca/ca.crt"
    {{- end }}
    {{- if and .user (ne $nats.prefix "kubedom") }}
    - {{ printf "--nats-prefix=%s" $nats.prefix | quote }}
    {{- end }}
    {{- if $root.Values.log.verbose }}
    - "--verbose"
    {{- end }}
    {{- if $root.Values.traces.enabled }}
    - "--traces"
    {{- end }}
    {{- $env := concat .env (ternary (list (dict "name" "OTEL_EXPORTER_OTLP_ENDPOINT" "value" $root.Values.traces.endpoint)) list $root.Values.traces.enabled) .values.env }}
    {{- with $env }}
    env:
    {{- toYaml . | nindent 4 }}
    {{- end }}
    ports:
    {{- if .serves }}
    - name: http
      containerPort: 8384
    {{- end }}
    - name: probes
      containerPort: 8081
    {{- include "kubedom.probes" (dict "port" "probes" "live" "/healthz" "ready" "/readyz") | nindent 4 }}
    {{- if .serves }}
    lifecycle:
      preStop:
        sleep:
          seconds: 5
    {{- end }}
    resources:
      {{- toYaml .values.resources | nindent 6 }}
    securityContext:
      {{- include "kubedom.containerSecurity" . | nindent 6 }}
    volumeMounts:
    - name: tmp
      mountPath: /tmp
    {{- if $mounted }}
    - name: nats
      mountPath: /etc/kubedom/nats
      readOnly: true
    {{- end }}
    {{- if $ca }}
    - name: ca
      mountPath: /etc/kubedom/ca
      readOnly: true
    {{- end }}
  volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 16Mi
  {{- if $mounted }}
  - name: nats
    secret:
      secretName: {{ $nats.existingSecret }}
      defaultMode: 0440
      items:
      - key: {{ printf "%s.%s" .user (get $file $auth) }}
        path: {{ printf "%s.%s" .user (get $file $auth) }}
  {{- end }}
  {{- if $ca }}
  - name: ca
    secret:
      secretName: {{ $nats.caSecret }}
      items:
      - key: ca.crt
        path: ca.crt
  {{- end }}
{{- end -}}

{{/* Where a pod is placed. In: its own part of the values. */}}
{{- define "kubedom.placing" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* What Pod Security calls restricted. */}}
{{- define "kubedom.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* And of a container. */}}
{{- define "kubedom.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
  - ALL
{{- end -}}

{{/* How the kubelet looks after a container. In: a dictionary of `port`, and the paths `live` and `ready`. */}}
{{- define "kubedom.probes" -}}
startupProbe:
  httpGet:
    path: {{ .ready | replace "/readyz" "/healthz" }}
    port: {{ .port }}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet:
    path: {{ .live }}
    port: {{ .port }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: {{ .ready }}
    port: {{ .port }}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}
