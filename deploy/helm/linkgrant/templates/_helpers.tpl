{{- define "linkgrant.name" -}}
{{- .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-linkgrant" .Release.Name) (contains "linkgrant" .Release.Name)) | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "linkgrant.labels" -}}
app.kubernetes.io/name: linkgrant
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Labels of the pods. The selector of linkgrant's SecuredAccess consists of the first and the last of these labels. */}}
{{- define "linkgrant.selector" -}}
app.kubernetes.io/name: linkgrant
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: redemption
{{- end }}

{{/* Name and pod labels of the AccessToken redeemer. */}}
{{- define "linkgrant.redeemer" -}}
{{ include "linkgrant.name" . }}-redeemer
{{- end }}

{{- define "linkgrant.redeemerSelector" -}}
app.kubernetes.io/name: linkgrant
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: redeemer
{{- end }}

{{/* Kind of the roles for the served namespaces. */}}
{{- define "linkgrant.roleKind" -}}
{{- ternary "ClusterRole" "Role" (eq .Values.scope "cluster") -}}
{{- end }}

{{/* Name and pod labels of the standalone service. */}}
{{- define "linkgrant.standalone" -}}
{{ include "linkgrant.name" . }}-standalone
{{- end }}

{{- define "linkgrant.standaloneSelector" -}}
app.kubernetes.io/name: linkgrant
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: standalone
{{- end }}

{{/* The values podAnnotations, and with monitoring.annotations those for Prometheus; empty if there are none. */}}
{{- define "linkgrant.podAnnotations" -}}
{{- $annotations := dict }}
{{- if .Values.monitoring.annotations }}
{{- $annotations = dict "prometheus.io/scrape" "true" "prometheus.io/port" "9091" "prometheus.io/path" "/metrics" }}
{{- end }}
{{- with merge (deepCopy .Values.podAnnotations) $annotations }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* Fields that every pod has in its spec. */}}
{{- define "linkgrant.podSpec" -}}
enableServiceLinks: false
terminationGracePeriodSeconds: 30
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Fields that every container has, besides its name. The probes use its port `ops`. */}}
{{- define "linkgrant.container" -}}
{{- $repository := required "image.repository is missing: build the image from the Dockerfile, push it to your registry, and name it here, such as registry.example.com/linkgrant" .Values.image.repository -}}
image: {{ printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve]
startupProbe:
  httpGet:
    path: /healthz
    port: ops
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet:
    path: /healthz
    port: ops
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /readyz
    port: ops
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* A Service for redemptions. Values: `name`, the YAML `selector` of its pods, and `chart`, the root context. */}}
{{- define "linkgrant.service" -}}
{{- $name := .name }}
{{- $selector := .selector }}
{{- with .chart -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "linkgrant.labels" . | nindent 4 }}
  {{- with .Values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .Values.service.type }}
  {{- if ne .Values.service.type "ClusterIP" }}
  externalTrafficPolicy: {{ .Values.service.externalTrafficPolicy }}
  {{- end }}
  {{- with .Values.service.loadBalancerSourceRanges }}
  loadBalancerSourceRanges:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  selector:
    {{- $selector | nindent 4 }}
  ports:
    - name: https
      port: {{ .Values.service.port }}
      targetPort: https
{{- end }}
{{- end }}

{{/* NetworkPolicy rules: every client may redeem, peers in `monitoring.from` may read health and metrics. */}}
{{- define "linkgrant.ingress" -}}
- ports:
    - port: https
      protocol: TCP
{{- with .Values.monitoring.from }}
- from:
    {{- toYaml . | nindent 4 }}
  ports:
    - port: ops
      protocol: TCP
{{- end }}
{{- end }}
