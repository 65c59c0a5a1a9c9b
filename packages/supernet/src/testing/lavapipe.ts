/** Mesa's software Vulkan driver: webgpu without a GPU. For tests. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const icdFolders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];

/** The manifest; undefined where it is not installed. */
export function lavapipe(): string | undefined {
  const folder = icdFolders.find((path) => existsSync(path) && readdirSync(path).some(isLavapipe));
  return folder === undefined ? undefined : join(folder, readdirSync(folder).find(isLavapipe) ?? '');
}

function isLavapipe(name: string): boolean {
  return /^lvp_icd.*\.json$/.test(name);
}
