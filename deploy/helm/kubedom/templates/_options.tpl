{{/* The options of what watches, as a list in JSON. */}}
{{- define "kubedom.watchingOptions" -}}
{{- $options := list -}}
{{- with .Values.clusterName }}{{ $options = append $options (printf "--cluster-name=%s" .) }}{{ end -}}
{{- with .Values.watching -}}
{{- if ne .mode "auto" }}{{ $options = append $options (printf "--watch=%s" .mode) }}{{ end -}}
{{- range $kind, $seconds := .hold }}{{ $options = append $options (printf "--hold=%s=%v" $kind $seconds) }}{{ end -}}
{{- end -}}
{{ $options | toJson }}
{{- end -}}

{{/* The options of what serves pages, as a list in JSON. */}}
{{- define "kubedom.servingOptions" -}}
{{- $options := list -}}
{{- range .Values.signIn.audiences }}{{ $options = append $options (printf "--audience=%s" .) }}{{ end -}}
{{- range .Values.signIn.trustedProxies }}{{ $options = append $options (printf "--trusted-proxy=%s" .) }}{{ end -}}
{{- with .Values.serving -}}
{{- if ne (float64 .drainSeconds) 20.0 }}{{ $options = append $options (printf "--drain-seconds=%v" .drainSeconds) }}{{ end -}}
{{- if .compress }}{{ $options = append $options "--compress" }}{{ end -}}
{{- with .defaultDeployment }}{{ $options = append $options (printf "--default-deployment=%s" .) }}{{ end -}}
{{- with .defaultConfig }}{{ $options = append $options (printf "--default-config=%s" .) }}{{ end -}}
{{- with .configPath }}{{ $options = append $options (printf "--config-path=%s" .) }}{{ end -}}
{{- end -}}
{{ $options | toJson }}
{{- end -}}

{{/* How users sign in, as a list in JSON. */}}
{{- define "kubedom.signIn" -}}
{{ ternary (list "--sign-in=token") list .Values.signIn.token | toJson }}
{{- end -}}

{{/* The one namespace that a command watches, as variables. In: the root and the command. */}}
{{- define "kubedom.namespaceVariables" -}}
{{- $variables := list -}}
{{- if eq (first .).Values.scope "namespace" -}}
{{- $variables = list (dict "name" (printf "KUBEDOM_%s_NAMESPACE" (upper (last .))) "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.namespace"))) -}}
{{- end -}}
{{ $variables | toJson }}
{{- end -}}

{{/* The addresses under which browsers come, as a command's variables. In: the root and the command. */}}
{{- define "kubedom.originVariables" -}}
{{ list (dict "name" (printf "KUBEDOM_%s_ORIGIN" (upper (last .))) "value" (include "kubedom.origins" (first .) | fromJsonArray | join " ")) | toJson }}
{{- end -}}

{{/* Where NATS is and a command's password there, as variables. In: the root and the command, whose name is the user's. */}}
{{- define "kubedom.natsVariables" -}}
{{- $root := first . -}}
{{- $user := last . -}}
{{- $urls := $root.Values.nats.urls -}}
{{- if eq $root.Values.nats.mode "bundled" }}{{ $urls = list (printf "nats://%s-nats:4222" (include "kubedom.fullname" $root)) }}{{ end -}}
{{- $variables := list -}}
{{- if eq (include "kubedom.natsAuth" $root) "password" -}}
{{- $key := dict "name" (include "kubedom.natsSecret" $root) "key" (printf "%s-password" $user) -}}
{{- $variables = append $variables (dict "name" "NATS_PASSWORD" "valueFrom" (dict "secretKeyRef" $key)) -}}
{{- $as := list -}}
{{- range $urls }}{{ $as = append $as (. | replace "://" (printf "://%s:$(NATS_PASSWORD)@" $user)) }}{{ end -}}
{{- $urls = $as -}}
{{- end -}}
{{ append $variables (dict "name" (printf "KUBEDOM_%s_NATS" (upper $user)) "value" (join " " $urls)) | toJson }}
{{- end -}}
