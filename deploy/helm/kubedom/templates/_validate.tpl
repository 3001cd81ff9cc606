{{/* What one value alone does not tell is wrong. Each is refused with a sentence. */}}
{{- define "kubedom.validate" -}}
{{- $nats := .Values.nats -}}
{{- if semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail (printf "Kubernetes %s has no ValidatingAdmissionPolicy, without which nothing is healed. kubedom's chart takes 1.30 and later: upgrade the cluster." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and (eq $nats.mode "external") (not $nats.urls) -}}
{{- fail "nats.mode is external, and nats.urls does not say where NATS is. Set nats.urls, as nats://nats.nats:4222, or nats.mode to none or bundled." -}}
{{- end -}}
{{- if and (ne $nats.mode "external") $nats.urls -}}
{{- fail (printf "nats.urls is set, and nats.mode is %s, which does not use it. Set nats.mode to external, or leave nats.urls out." $nats.mode) -}}
{{- end -}}
{{- if and (eq $nats.mode "external") (ne $nats.auth "none") (not $nats.existingSecret) -}}
{{- fail (printf "nats.auth is %s, and nats.existingSecret does not name the Secret for it. Make the Secret as values.yaml tells and set nats.existingSecret, or set nats.auth to none." $nats.auth) -}}
{{- end -}}
{{- if and (eq $nats.mode "bundled") (ne $nats.auth "password") -}}
{{- fail (printf "nats.auth is %s, and the bundled NATS takes passwords. Leave nats.auth out, or set nats.mode to external." $nats.auth) -}}
{{- end -}}
{{- if and (ne $nats.mode "external") $nats.caSecret -}}
{{- fail "nats.caSecret is for an external NATS. Leave it out, or set nats.mode to external." -}}
{{- end -}}
{{- if not (or .Values.signIn.token .Values.signIn.trustedProxies) -}}
{{- fail "Nobody could sign in: signIn.token is false, and signIn.trustedProxies is empty. Set one of them." -}}
{{- end -}}
{{- range .Values.signIn.trustedProxies -}}
{{- if hasSuffix "/0" . -}}
{{- fail (printf "signIn.trustedProxies has %s, which is every address: everybody could say that they are anybody. Name the proxy's own, as 10.0.3.7/32." .) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.signIn.audiences (not .Values.signIn.token) -}}
{{- fail "signIn.audiences is about tokens, and signIn.token is false. Set signIn.token to true, or leave signIn.audiences out." -}}
{{- end -}}
{{- if and .Values.signIn.proxiedDeploys (not .Values.signIn.trustedProxies) -}}
{{- fail "signIn.proxiedDeploys is about a proxy's users, and signIn.trustedProxies is empty. Name the proxy there, or leave signIn.proxiedDeploys out." -}}
{{- end -}}
{{- if and .Values.signIn.proxiedDeploys (not (include "kubedom.constrains" .)) -}}
{{- fail (printf "signIn.proxiedDeploys needs Kubernetes 1.36, and this is %s. Set it to false, or upgrade the cluster." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if .Values.bridge.autoscaling.enabled -}}
{{- if include "kubedom.oneProcess" . -}}
{{- fail "bridge.autoscaling.enabled needs bridges apart from the operator, and with nats.mode=none there are none. Set nats.mode to bundled or external." -}}
{{- end -}}
{{- if gt (int .Values.bridge.autoscaling.minReplicas) (int .Values.bridge.autoscaling.maxReplicas) -}}
{{- fail (printf "bridge.autoscaling.minReplicas is %v, more than maxReplicas, %v. Set one of them anew." .Values.bridge.autoscaling.minReplicas .Values.bridge.autoscaling.maxReplicas) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled is set, and ingress.hosts does not say under which name browsers come. Set ingress.hosts, as kubedom.example.org." -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- if not .Values.httpRoute.parentRefs -}}
{{- fail "httpRoute.enabled is set, and httpRoute.parentRefs does not name the Gateway. Set it, as name: public." -}}
{{- end -}}
{{- if not .Values.httpRoute.hostnames -}}
{{- fail "httpRoute.enabled is set, and httpRoute.hostnames does not say under which name browsers come. Set it, as kubedom.example.org." -}}
{{- end -}}
{{- if not (.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1") -}}
{{- fail "httpRoute.enabled is set, and the API server does not know gateway.networking.k8s.io/v1. Install the Gateway API first, or set httpRoute.enabled to false; `helm template` has to be told with --api-versions gateway.networking.k8s.io/v1." -}}
{{- end -}}
{{- end -}}
{{- range $value, $wanted := dict "monitoring.serviceMonitor.enabled" .Values.monitoring.serviceMonitor.enabled "monitoring.prometheusRule.enabled" .Values.monitoring.prometheusRule.enabled -}}
{{- if and $wanted (not ($.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) -}}
{{- fail (printf "%s is set, and the API server does not know monitoring.coreos.com/v1. Install the Prometheus operator first, or set it to false; `helm template` has to be told with --api-versions monitoring.coreos.com/v1." $value) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.traces.enabled (not .Values.traces.endpoint) -}}
{{- fail "traces.enabled is set, and traces.endpoint does not say where they are sent. Set it, as http://collector.tracing:4318." -}}
{{- end -}}
{{- /* Only where helm asks a cluster: `lookup` finds nothing elsewhere, and that there is this namespace. */ -}}
{{- if and (not .Values.crds.install) (lookup "v1" "Namespace" "" "default") (not (.Capabilities.APIVersions.Has "kubedom.dev/v1alpha1")) -}}
{{- fail "crds.install is false, and the API server does not know kubedom.dev/v1alpha1. Apply deploy/crds as an administrator first, or set crds.install to true." -}}
{{- end -}}
{{- end -}}
