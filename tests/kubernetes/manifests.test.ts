import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { type Manifest, type Pod, podsOf, render } from './rendered.ts'

const FOLDERS = ['base', 'postgres-inside', 'postgres-managed']
/** Kubernetes versions that the manifests are to be good for. */
const VERSIONS = ['1.31', '1.34', '1.37']
const kustomize = inject('kustomize')
const validators = inject('validators')
const run = promisify(execFile)

describe.skipIf(!kustomize || !validators).each(FOLDERS)('deploy/kubernetes/%s', folder => {
  let text: string
  let manifests: Manifest[]
  let pods: Pod[]

  beforeAll(async () => {
    const rendered = await render(kustomize!, `${validators}/python`, folder)
    text = rendered.text
    manifests = rendered.manifests
    pods = podsOf(manifests)
  })

  it.each(VERSIONS)('is what the schemas of Kubernetes %s allow, to the field', async version => {
    expect(await faultsOf(text, version)).toEqual([])
  })

  it('would be found out if it had a field that Kubernetes does not know', async () => {
    const misspelt = text.replaceAll('readinessProbe:', 'readynessProbe:')
    expect(misspelt).not.toBe(text)
    expect(await faultsOf(misspelt, VERSIONS[0]!)).toContainEqual(
      expect.stringContaining("'readynessProbe' was unexpected"),
    )
  })

  it('runs nothing that the profile `restricted` refuses, as its namespace demands', () => {
    const namespace = manifests.find(({ kind }) => kind === 'Namespace')
    expect(namespace?.metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    })
    expect(pods.length).toBeGreaterThanOrEqual(3)
    for (const { name, spec } of pods) {
      expect(spec.securityContext, name).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      expect(spec.securityContext.runAsUser, name).toBeGreaterThan(0)
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC], name).toEqual([
        undefined,
        undefined,
        undefined,
      ])
      for (const container of spec.containers) {
        expect(container.securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(
          (container.ports ?? []).filter(port => port.hostPort),
          name,
        ).toEqual([])
      }
      const kinds = spec.volumes
        .flatMap(volume => Object.keys(volume))
        .filter(key => key !== 'name')
      for (const kind of kinds) {
        expect(['secret', 'configMap', 'emptyDir', 'persistentVolumeClaim'], name).toContain(kind)
      }
    }
  })

  it('asks for memory and limits it, gives nobody a token, and knows when it is fit', () => {
    for (const { name, spec } of pods) {
      expect(spec.automountServiceAccountToken, name).toBe(false)
      for (const container of spec.containers) {
        expect(container.resources.requests, name).toHaveProperty('memory')
        expect(container.resources.limits, name).toHaveProperty('memory')
        if (name.startsWith('Job/')) continue
        expect(container, name).toMatchObject({ livenessProbe: {}, readinessProbe: {} })
      }
    }
  })

  it('gives each program the password of its own role, as a file, and no other', () => {
    const given = Object.fromEntries(
      pods.map(({ name, spec }) => [
        name,
        spec.volumes
          .filter(volume => volume.secret)
          .flatMap(volume => volume.secret?.items?.map(item => item.key) ?? ['all']),
      ]),
    )
    expect(given).toMatchObject({
      'Job/migrate': ['all'],
      'Deployment/ingestor': ['writer'],
      'Deployment/dashboard': ['reader'],
    })
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([])
    for (const { name, spec } of pods) {
      for (const { env } of spec.containers) {
        for (const variable of env) {
          const isPassword = variable.name.includes('PASSWORD')
          expect(!isPassword || variable.name.endsWith('_FILE'), `${name} ${variable.name}`).toBe(
            true,
          )
        }
      }
    }
  })

  it('lets nobody in or out but who is named', () => {
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy')
    const nothing = policies.find(({ metadata }) => metadata.name === 'nothing')
    expect(nothing!.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
    const clients = pods
      .filter(({ labels }) => labels['hot-folder/database-client'] === 'true')
      .map(({ name }) => name)
    expect(clients.sort()).toEqual(['Deployment/dashboard', 'Deployment/ingestor', 'Job/migrate'])
  })

  it('names only what is there: volumes, claims, config maps, labels', () => {
    const named = (kind: string) =>
      manifests.filter(it => it.kind === kind).map(it => it.metadata.name)
    for (const { name, spec } of pods) {
      const volumes = spec.volumes.map(volume => volume.name)
      for (const { volumeMounts, envFrom } of spec.containers) {
        for (const mount of volumeMounts) expect(volumes, name).toContain(mount.name)
        for (const { configMapRef } of envFrom ?? []) {
          expect(named('ConfigMap'), name).toContain(configMapRef.name)
        }
      }
      for (const { persistentVolumeClaim, configMap } of spec.volumes) {
        if (persistentVolumeClaim) {
          expect(named('PersistentVolumeClaim'), name).toContain(persistentVolumeClaim.claimName)
        }
        if (configMap) expect(named('ConfigMap'), name).toContain(configMap.name)
      }
      expect(named('ServiceAccount'), name).toContain(spec.serviceAccountName)
    }
    const labels = pods.map(pod => pod.labels)
    for (const { kind, metadata, spec } of manifests) {
      const selector = kind === 'Service' ? spec?.selector : spec?.selector?.matchLabels
      if (!selector) continue
      const matched = labels.filter(its =>
        Object.entries(selector).every(([key, value]) => its[key] === value),
      )
      expect(matched.length, `${kind}/${metadata.name}`).toBe(1)
    }
  })

  it('scales ingestors by what waits, as far as connections go', () => {
    const [autoscaler] = manifests.filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
    expect(autoscaler!.spec!.scaleTargetRef).toMatchObject({ kind: 'Deployment', name: 'ingestor' })
    expect(autoscaler!.spec!.metrics![0]!.external.metric.name).toBe('ingest_pending_bytes')
    const ingestor = manifests.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'ingestor',
    )
    // Else each `kubectl apply` would undo what the autoscaler did.
    expect(ingestor!.spec).not.toHaveProperty('replicas')
  })
})

/** What the validator says against the manifests, by line. */
async function faultsOf(text: string, version: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-folder-manifests-'))
  atTestEnd(() => rm(folder, { recursive: true }))
  const path = join(folder, 'all.yaml')
  await writeFile(path, text)
  const args = ['--strict', '--quiet', '-k', version, path]
  return run(`${validators}/kubernetes-validate`, args).then(
    () => [],
    error => `${error.stdout}${error.stderr}`.split('\n').filter(line => line !== ''),
  )
}
