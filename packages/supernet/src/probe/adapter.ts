/** Which Vulkan device a process took, by what the Vulkan loader writes with `VK_LOADER_DEBUG=all`. */

export interface Adapter {
  /** As the driver names it: `NVIDIA H100 80GB HBM3`. */
  readonly name: string;
  /** It computes on the CPU: good for tests, slower than the `cpu` provider. */
  readonly software: boolean;
}

const USED = /Using "(?<name>[^"\n]+)" with driver: "(?<driver>[^"\n]+)"/g;

/** Mesa's lavapipe (whose device is called llvmpipe), Google's SwiftShader, Microsoft's WARP. */
const SOFTWARE = /llvmpipe|lavapipe|libvulkan_lvp|softpipe|swiftshader|basic render/i;

/** The device that was opened last; undefined when the loader named none. */
export function vulkanAdapter(said: string): Adapter | undefined {
  const { name, driver = '' } = [...said.matchAll(USED)].at(-1)?.groups ?? {};
  return name === undefined ? undefined : { name, software: SOFTWARE.test(`${name} ${driver}`) };
}
