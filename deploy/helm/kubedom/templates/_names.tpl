{{/* What the objects' names begin with. */}}
{{- define "kubedom.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains "kubedom" .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-kubedom" (.Release.Name | trunc 32 | trimSuffix "-") }}
{{- end -}}
{{- end -}}

{{/* Whether operator and bridge are one process. */}}
{{- define "kubedom.oneProcess" -}}
{{- if eq .Values.nats.mode "none" }}true{{ end -}}
{{- end -}}

{{/* What serves the page, by its component. */}}
{{- define "kubedom.page" -}}
{{- if include "kubedom.oneProcess" . }}kubedom{{ else }}bridge{{ end -}}
{{- end -}}

{{/* What watches and heals, by its component. */}}
{{- define "kubedom.healer" -}}
{{- if include "kubedom.oneProcess" . }}kubedom{{ else }}operator{{ end -}}
{{- end -}}

{{/* The name of a component's objects. In: a list of the root and the component. */}}
{{- define "kubedom.named" -}}
{{- $fullname := include "kubedom.fullname" (first .) -}}
{{- if eq (last .) "kubedom" }}{{ $fullname }}{{ else }}{{ printf "%s-%s" $fullname (last .) }}{{ end -}}
{{- end -}}

{{/* By which a component's pods are found. In: a list of the root and the component. */}}
{{- define "kubedom.selector" -}}
app.kubernetes.io/name: kubedom
app.kubernetes.io/instance: {{ (first .).Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{/* What helm marks its objects with. */}}
{{- define "kubedom.marks" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end -}}

{{/* The name, namespace and labels of an object of a component. In: a list of the root and the component. */}}
{{- define "kubedom.metadata" -}}
name: {{ include "kubedom.named" . }}
namespace: {{ (first .).Release.Namespace }}
labels:
  {{- include "kubedom.selector" . | nindent 2 }}
  {{- include "kubedom.marks" (first .) | nindent 2 }}
{{- end -}}

{{/* An image's name. In: its values, and the tag where they have none. */}}
{{- define "kubedom.image" -}}
{{- $image := first . -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $image.repository $image.digest }}
{{- else -}}
{{ printf "%s:%s" $image.repository (default (last .) $image.tag) }}
{{- end -}}
{{- end -}}

{{/* Whether the API server stamps who asked, and has constrained impersonation. */}}
{{- define "kubedom.constrains" -}}
{{- if semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end -}}

{{/* The addresses under which browsers come, as a list in JSON. */}}
{{- define "kubedom.origins" -}}
{{- $origins := .Values.origins -}}
{{- if not $origins -}}
{{- if .Values.ingress.enabled -}}
{{- $scheme := ternary "https" "http" (ne .Values.ingress.tlsSecret "") -}}
{{- range .Values.ingress.hosts }}{{ $origins = append $origins (printf "%s://%s" $scheme .) }}{{ end -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- range .Values.httpRoute.hostnames }}{{ $origins = append $origins (printf "https://%s" .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{ $origins | uniq | default (list "http://127.0.0.1:8384") | toJson }}
{{- end -}}

{{/* The Secret with which kubedom signs in to NATS. */}}
{{- define "kubedom.natsSecret" -}}
{{ default (printf "%s-nats" (include "kubedom.fullname" .)) .Values.nats.existingSecret }}
{{- end -}}

{{/* How kubedom signs in to NATS. */}}
{{- define "kubedom.natsAuth" -}}
{{- if eq .Values.nats.mode "bundled" }}password{{ else }}{{ .Values.nats.auth }}{{ end -}}
{{- end -}}
