import { beforeAll, describe, expect, inject, it } from 'vitest'
import { lockedPackages } from '../../deploy/supply/lock.ts'
import { docker, lines } from './docker.ts'
import { type Container, serviceOf } from './inspection.ts'
import { newStack, type Stack } from './stack.ts'

/** What of `docker compose config` is looked at. */
interface Configured {
  build?: unknown
  user?: string
  ports?: { host_ip?: string }[]
}

/** The one container that is root, and no longer than its step takes. */
const STEP_AS_ROOT = 'prepare-data'

describe.skipIf(!inject('engine'))('what a container may do', () => {
  let stack: Stack
  let all: Container[]
  let running: Container[]

  beforeAll(async () => {
    stack = await newStack()
    await stack.compose('up', '-d')
    await stack.healthy('ingestor')
    await stack.healthy('dashboard')
    all = await stack.containers()
    running = all.filter(it => it.State.Status === 'running')
    expect(all.map(serviceOf).sort()).toEqual(
      [
        ...['dashboard', 'generator', 'ingestor', 'migrate', 'postgres', 'prepare-data'],
        'prepare-secrets',
      ].sort(),
    )
    expect(running).toHaveLength(4)
  })

  it('no process is root, in any container that stays', async () => {
    for (const container of running) {
      const [, ...processes] = lines(await docker('top', container.Id, '-eo', 'uid,pid,args'))
      expect(processes.length, serviceOf(container)).toBeGreaterThan(0)
      for (const one of processes) expect(one, serviceOf(container)).not.toMatch(/^\s*0\s/)
    }
    const asRoot = all.filter(({ Config: { User } }) =>
      ['', 'root', '0'].includes(User.split(':')[0]!),
    )
    expect(asRoot.map(serviceOf)).toEqual([STEP_AS_ROOT])
  })

  it('no process has a capability, nor a way to get one', async () => {
    for (const container of running) {
      const status = await docker('exec', container.Id, 'sh', '-c', 'cat /proc/[0-9]*/status')
      const values = (name: string) => new Set(status.match(new RegExp(`^${name}:\\s.*`, 'gm')))
      const none = (name: string) => new Set([`${name}:\t0000000000000000`])
      for (const name of ['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb']) {
        expect(values(name), serviceOf(container)).toEqual(none(name))
      }
      expect(values('NoNewPrivs'), serviceOf(container)).toEqual(new Set(['NoNewPrivs:\t1']))
    }
    for (const { HostConfig, ...container } of all) {
      const service = serviceOf(container as Container)
      expect(HostConfig.Privileged, service).toBe(false)
      expect(HostConfig.CapDrop, service).toEqual(['ALL'])
      expect(HostConfig.SecurityOpt, service).toContain('no-new-privileges:true')
      expect(HostConfig.CapAdd ?? [], service).toEqual(
        service === STEP_AS_ROOT ? ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] : [],
      )
    }
  })

  it('no root filesystem can be written to', async () => {
    for (const container of all) {
      expect(container.HostConfig.ReadonlyRootfs, serviceOf(container)).toBe(true)
    }
    for (const container of running) {
      const attempt = docker('exec', '--user', '0', container.Id, 'touch', '/written')
      await expect(attempt, serviceOf(container)).rejects.toThrow('Read-only file system')
    }
  })

  it('only PostgreSQL and the page can be reached from the host, and from this host alone', () => {
    const published = all.flatMap(container =>
      Object.entries(container.NetworkSettings.Ports).flatMap(([port, bindings]) =>
        (bindings ?? []).map(({ HostIp }) => `${serviceOf(container)} ${port} ${HostIp}`),
      ),
    )
    expect(published.sort()).toEqual([
      'dashboard 8080/tcp 127.0.0.1',
      'postgres 5432/tcp 127.0.0.1',
    ])
  })

  it('the generator has no network and no secret, and the database no way out', async () => {
    const networksOf = (service: string) =>
      Object.keys(all.find(it => serviceOf(it) === service)!.NetworkSettings.Networks)
    expect(networksOf('generator')).toEqual(['none'])
    expect(networksOf('prepare-data')).toEqual(['none'])
    expect(networksOf('prepare-secrets')).toEqual(['none'])
    expect(networksOf('migrate')).toEqual(['none'])
    expect(networksOf('ingestor')).toEqual([`${stack.project}_database`])
    const internal = ['network', 'inspect', '--format', '{{.Internal}}']
    expect((await docker(...internal, `${stack.project}_database`)).trim()).toBe('true')
    const [generator] = await stack.containers('generator')
    expect(JSON.stringify(generator)).not.toMatch(/POSTGRES|secret|not-to-be-logged/)
    expect(generator!.Mounts.map(({ Destination }) => Destination)).toEqual(['/data'])
  })

  it('nothing grows without a bound: memory, processes, logs', () => {
    for (const { HostConfig, ...container } of all) {
      const service = serviceOf(container as Container)
      expect(HostConfig.Memory, service).toBeGreaterThan(0)
      expect(HostConfig.PidsLimit, service).toBeGreaterThan(0)
      expect(HostConfig.Init, service).toBe(true)
      expect(HostConfig.LogConfig, service).toMatchObject({
        Type: 'json-file',
        Config: { 'max-size': '10m', 'max-file': '3' },
      })
    }
  })

  it('an image holds what its service needs: no tests, no other service, no development tools', async () => {
    const [generator, ingestor] = await Promise.all(['generator', 'ingestor'].map(contents))
    expect(generator!.services).toEqual(['contract', 'generator', 'prepare', 'runtime'])
    expect(ingestor!.services).toEqual(['contract', 'dashboard', 'ingestor', 'migrate', 'runtime'])
    expect(generator!.modules).not.toContain('pg')
    const shipped = lockedPackages().filter(it => it.shipped)
    for (const { top, modules, programs } of [generator!, ingestor!]) {
      expect(top).not.toContain('tests')
      expect(modules).toContain('zod')
      // Of all that the lock pins, what a production install brings, and no compiled program with it.
      const pinned = new Set(shipped.map(({ path }) => path.replace('node_modules/', '')))
      expect(modules.filter(name => !pinned.has(name))).toEqual([])
      expect(programs).toEqual([])
    }
  })

  it('an image adds little to the one it is made from', async () => {
    const base = await sizeOf('node:24-bookworm-slim')
    const added: Record<string, number> = {}
    for (const service of ['generator', 'ingestor']) {
      const [container] = await stack.containers(service)
      added[service] = (await sizeOf(container!.Image)) - base
    }
    console.log(`MB added to the base image: ${JSON.stringify(added)}`)
    for (const [service, megabytes] of Object.entries(added)) {
      expect(megabytes, service).toBeLessThan(30)
    }
  })

  it('no health check goes through a shell, and each that stays has one but the generator', () => {
    for (const { Config, ...container } of running) {
      const service = serviceOf({ Config, ...container } as Container)
      if (service === 'generator') continue
      expect(Config.Healthcheck?.Test[0], service).toBe('CMD')
      expect(Config.Healthcheck?.Test[1], service).not.toMatch(/sh$/)
    }
  })

  it('what only a profile starts is set up the same way', async () => {
    const text = await stack.compose('--profile', 'observability', 'config', '--format', 'json')
    const services = Object.entries<Configured>(JSON.parse(text).services)
    expect(services.map(([name]) => name)).toEqual(
      expect.arrayContaining(['prometheus', 'grafana']),
    )
    for (const [name, service] of services) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        init: true,
        mem_limit: expect.anything(),
        pids_limit: expect.any(Number),
      })
      for (const { host_ip } of service.ports ?? []) expect(host_ip, name).toBe('127.0.0.1')
      // Whom an image of ours runs as stands in its Dockerfile.
      if (service.build === undefined)
        expect(service.user, name).toMatch(/^(postgres|[1-9]\d*:\d+)$/)
    }
  })

  it('what a service may write to is its data, and a secret is not among it', () => {
    const writable = all.flatMap(container =>
      container.Mounts.filter(({ RW }) => RW).map(
        ({ Destination }) => `${serviceOf(container)} ${Destination}`,
      ),
    )
    expect(writable.sort()).toEqual([
      'generator /data',
      'ingestor /data',
      'postgres /var/lib/postgresql/data',
      'postgres /var/run/postgresql',
      'prepare-data /data',
      'prepare-secrets /secrets/owner',
      'prepare-secrets /secrets/reader',
      'prepare-secrets /secrets/writer',
    ])
  })

  async function contents(service: string) {
    const [container] = await stack.containers(service)
    const list = async (folder: string) => lines(await docker('exec', container!.Id, 'ls', folder))
    const [top, services] = await Promise.all(['.', 'services'].map(list))
    const find = async (...how: string[]) =>
      lines(await docker('exec', container!.Id, 'find', 'node_modules', ...how))
    const manifests = await find('-name', 'package.json', '-path', '*node_modules/*')
    const modules = manifests
      .map(path => path.replace(/^node_modules\//, '').replace(/\/package.json$/, ''))
      .filter(path => /^(.*node_modules\/)?(@[^/]+\/)?[^/]+$/.test(path))
    const programs = await find(
      '(',
      '-name',
      '*.node',
      '-o',
      '-name',
      '*.so',
      '-o',
      '-name',
      '*.so.*',
      '-o',
      '-size',
      '+3M',
      ')',
    )
    return { top: top!, services: services!, modules, programs }
  }

  async function sizeOf(image: string): Promise<number> {
    const bytes = await docker('image', 'inspect', '--format', '{{.Size}}', image)
    return Math.round(Number(bytes) / 1e5) / 10
  }
})
