{{/* The groups of alerts. */}}
{{- define "kubedom.alerts" -}}
{{- $in := printf `{namespace="%s"}` .Release.Namespace -}}
{{- $rule := .Values.monitoring.prometheusRule -}}
- name: {{ include "kubedom.fullname" . }}
  rules:
  - alert: KubedomAbsent
    expr: absent(kubedom_ready{{ $in }})
    for: 10m
    labels:
      severity: critical
    annotations:
      summary: No kubedom is scraped in the namespace {{ .Release.Namespace }}.
      description: Look at its pods, at the ServiceMonitor, and whether the network policy lets Prometheus reach port 8081.
  - alert: KubedomNotReady
    expr: kubedom_ready{{ $in }} == 0
    for: 10m
    labels:
      severity: critical
    annotations:
      summary: {{ `{{ $labels.pod }} has had nothing to show for 10 minutes.` | quote }}
      description: Its /readyz says what it waits for.
  - alert: KubedomNotHealing
    expr: kubedom_healing{{ $in }} == 0
    for: 2m
    labels:
      severity: warning
    annotations:
      summary: {{ `{{ $labels.pod }} carries out no healing actions.` | quote }}
      description: Its log says why; mostly the policies of admission or a right are missing.
  - alert: KubedomStale
    expr: kubedom_stale{{ $in }} == 1
    for: 2m
    labels:
      severity: warning
    annotations:
      summary: {{ `{{ $labels.pod }} shows what may be old.` | quote }}
      description: NATS or the operator is away; look at their pods.
  - alert: KubedomLagging
    expr: kubedom_lag_seconds{{ $in }} > {{ $rule.lagSeconds }}
    for: 2m
    labels:
      severity: warning
    annotations:
      summary: {{ `{{ $labels.pod }} is {{ $value | humanizeDuration }} behind.` | quote }}
      description: NATS is away, or its CPU does not suffice for what changes.
  - alert: KubedomWatchBroken
    expr: kubedom_oldest_watch_age_seconds{{ $in }} > {{ $rule.watchAgeSeconds }}
    labels:
      severity: warning
    annotations:
      summary: {{ `{{ $labels.pod }} has not heard of a kind of object for {{ $value | humanizeDuration }}.` | quote }}
      description: The watch is broken, or the API server is away; /healthz names the kind.
  - alert: KubedomPagesWaiting
    # Somebody waits at each moment of these: nobody was let in, or too few.
    expr: min_over_time(kubedom_arrivals_waiting{{ $in }}[5m]) > 0
    for: 5m
    labels:
      severity: warning
    annotations:
      summary: {{ `{{ $value }} pages or more wait to be let in by {{ $labels.pod }}.` | quote }}
      description: The API server answers slowly, or there are too few bridges.
{{- end -}}
