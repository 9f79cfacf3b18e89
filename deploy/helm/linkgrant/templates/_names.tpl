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

{{/* Labels of the pods. The last one is the selector of linkgrant's SecuredAccess. */}}
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

{{/* The image of every pod. */}}
{{- define "linkgrant.image" -}}
{{- $repository := required "image.repository is missing: build the image from the Dockerfile, push it to your registry, and name it here, such as registry.example.com/linkgrant" .Values.image.repository -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
