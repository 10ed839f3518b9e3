import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** As much of a manifest as the tests look at, of any kind. */
export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Labels }
  readonly spec?: {
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec }
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
    readonly selector?: Labels & { readonly matchLabels?: Labels }
    readonly scaleTargetRef?: { readonly kind: string; readonly name: string }
    readonly metrics?: readonly {
      readonly external: { readonly metric: { readonly name: string } }
    }[]
  }
}

export interface Pod {
  /** Of the workload, `Deployment/ingestor` for one. */
  readonly name: string
  readonly labels: Labels
  readonly spec: PodSpec
}

interface PodSpec {
  readonly serviceAccountName: string
  readonly automountServiceAccountToken?: boolean
  readonly hostNetwork?: boolean
  readonly hostPID?: boolean
  readonly hostIPC?: boolean
  readonly securityContext: { readonly runAsUser: number }
  readonly containers: readonly Container[]
  readonly volumes: readonly Volume[]
}

interface Container {
  readonly env: readonly { readonly name: string }[]
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[]
  readonly ports?: readonly { readonly hostPort?: number }[]
  readonly volumeMounts: readonly { readonly name: string }[]
  readonly resources: { readonly requests: object; readonly limits: object }
  readonly securityContext: object
}

interface Volume {
  readonly name: string
  readonly secret?: { readonly items?: readonly { readonly key: string }[] }
  readonly configMap?: { readonly name: string }
  readonly persistentVolumeClaim?: { readonly claimName: string }
}

type Labels = Readonly<Record<string, string>>

const run = promisify(execFile)
const folder = (name: string) =>
  fileURLToPath(new URL(`../../deploy/kubernetes/${name}`, import.meta.url))

const TO_JSON = 'import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)'

/** @param python that has PyYAML */
export async function render(kustomize: readonly string[], python: string, name: string) {
  const [program, ...args] = kustomize
  const { stdout: text } = await run(program!, [...args, folder(name)])
  const json = execFileSync(python, ['-c', TO_JSON], { input: text, encoding: 'utf8' })
  return { text, manifests: JSON.parse(json) as Manifest[] }
}

export function podsOf(manifests: readonly Manifest[]): Pod[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    if (!spec?.template?.spec) return []
    const { template, volumeClaimTemplates = [] } = spec
    // A StatefulSet brings some of its volumes along.
    const volumes = volumeClaimTemplates.map(claim => ({ name: claim.metadata.name }))
    return [
      {
        name: `${kind}/${metadata.name}`,
        labels: template.metadata.labels,
        spec: { ...template.spec, volumes: [...template.spec.volumes, ...volumes] },
      },
    ]
  })
}
