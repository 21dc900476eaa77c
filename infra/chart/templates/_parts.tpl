{{- define "faldone.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end -}}

{{- define "faldone.labels" -}}
app.kubernetes.io/name: faldone
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{/* The same as one line, for selectors. */}}
{{- define "faldone.match" -}}{{ include "faldone.labels" . | fromYaml | toJson }}{{- end -}}

{{- define "faldone.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end -}}

{{/* What every pod of Faldone is: no root, no capabilities, a read-only file system but for /tmp, its home and /data. */}}
{{- define "faldone.pod" -}}
automountServiceAccountToken: false
serviceAccountName: {{ include "faldone.name" .root }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - {name: tmp, emptyDir: {}}
  - {name: private, emptyDir: {}}
  - name: secrets
    secret: {secretName: {{ .root.Values.secret }}, defaultMode: 0440}
  {{- if .state }}
  - name: data
    persistentVolumeClaim: {claimName: {{ .state }}}
  {{- else }}
  - {name: data, emptyDir: {}}
  {{- end }}
  {{- if .root.Values.home.volume.enabled }}
  - name: home
    persistentVolumeClaim: {claimName: {{ include "faldone.name" .root }}-home}
  {{- end }}
  {{- if .root.Values.limits }}
  - name: limits
    configMap: {name: {{ include "faldone.name" .root }}-limits}
  {{- end }}
{{- end -}}

{{- define "faldone.container" -}}
image: {{ include "faldone.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: private, mountPath: /home/faldone}
  - {name: data, mountPath: /data}
  - {name: secrets, mountPath: /run/secrets, readOnly: true}
  {{- if .root.Values.home.volume.enabled }}
  - {name: home, mountPath: /home-volume}
  {{- end }}
  {{- if .root.Values.limits }}
  - {name: limits, mountPath: /etc/faldone, readOnly: true}
  {{- end }}
envFrom:
  - configMapRef: {name: {{ include "faldone.name" .root }}}
  {{- if .server }}
  - configMapRef: {name: {{ include "faldone.name" .root }}-server}
  {{- end }}
{{- end -}}

{{/* Liveness asks only whether the port is open: what is slow under load is not to be killed for it. Readiness asks for an answer. */}}
{{- define "faldone.probes" -}}
startupProbe:
  tcpSocket: {port: {{ .port }}}
  periodSeconds: 5
  failureThreshold: 60
livenessProbe:
  tcpSocket: {port: {{ .port }}}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 15
readinessProbe:
  httpGet: {path: {{ .path }}, port: {{ .port }}{{ if .host }}, httpHeaders: [{name: Host, value: localhost}]{{ end }}}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 3
{{- end -}}

{{/* Pods are replaced when a setting or a limit has changed: they read them as they start. */}}
{{- define "faldone.settings" -}}
checksum/settings: {{ include (print .Template.BasePath "/settings.yaml") . | sha256sum }}
{{- end -}}
