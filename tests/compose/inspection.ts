/** What of `docker inspect` the tests look at. */
export interface Container {
  readonly Id: string
  readonly Name: string
  readonly RestartCount: number
  readonly State: {
    readonly Status: string
    readonly ExitCode: number
    readonly Pid: number
    readonly OOMKilled: boolean
    readonly Health?: { readonly Status: string }
  }
  readonly Image: string
  readonly Config: {
    readonly User: string
    readonly Labels: Readonly<Record<string, string>>
    readonly Healthcheck?: { readonly Test: readonly string[] }
  }
  readonly HostConfig: {
    readonly Privileged: boolean
    readonly ReadonlyRootfs: boolean
    readonly CapAdd: readonly string[] | null
    readonly CapDrop: readonly string[] | null
    readonly SecurityOpt: readonly string[] | null
    readonly Init: boolean
    readonly Memory: number
    readonly PidsLimit: number
    readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> }
  }
  readonly Mounts: readonly {
    readonly Name?: string
    readonly Destination: string
    readonly RW: boolean
  }[]
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string }[] | null>>
    readonly Networks: Readonly<Record<string, unknown>>
  }
}

export function serviceOf(container: Container): string {
  return container.Config.Labels['com.docker.compose.service']!
}
