/**
 * Lays out the file system of the image: Node, the native libraries that it and ONNX Runtime are linked with, the built
 * services and the packages that they need at run time. No shell, no package manager, nothing that is written to.
 *
 *   npm ci && npx tsc -b && node infra/images/lay-out.mjs <empty folder>
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('names the folder to fill');
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const app = join(target, 'app');

/** What the packages of this checkout need at run time. */
const ours = ['package.json', 'dist', 'child', 'profiles'];
const elsewhere = new RegExp(`/napi-v\\d+/(?!${process.platform}/${process.arch}(/|$))[a-z0-9]+/[a-z0-9]+`);

for (const folder of ['app', 'usr/bin', 'tmp']) mkdirSync(join(target, folder), { recursive: true });
copy(join(checkout, 'package.json'), join(app, 'package.json'));
for (const path of productionPackages()) {
  const place = join(app, relative(checkout, path));
  if (lstatSync(path).isSymbolicLink()) {
    const real = realpathSync(path);
    for (const name of ours) copy(join(real, name), join(app, relative(checkout, real), name));
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(relative(dirname(path), real), place);
  } else copy(path, place);
}
const node = join(target, 'usr/bin/node');
copy(realpathSync(process.execPath), node);
for (const binary of [node, ...binariesUnder(app)])
  for (const library of librariesOf(binary)) copy(library, join(target, library));

/** Paths as npm knows them; those of this checkout are links. */
function productionPackages() {
  // npm ends with an error where it would have chosen another version; the list is whole all the same.
  const list = ['ls', '--omit=dev', '--all', '--parseable'];
  const { stdout } = spawnSync('npm', list, { cwd: checkout, encoding: 'utf8', maxBuffer: 1 << 26 });
  const paths = stdout.split('\n').filter((path) => path.startsWith(join(checkout, '')) && path !== checkout);
  return paths.filter((path) => path.includes(`${sep}node_modules${sep}`) && existsSync(path));
}

/** Without what npm lists for itself, and without binaries for other machines. */
function copy(from, to) {
  if (!existsSync(from) || existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  const isWanted = (path) => !relative(from, path).split(sep).includes('node_modules') && !elsewhere.test(path);
  cpSync(from, to, {
    recursive: true,
    dereference: lstatSync(from).isFile() || lstatSync(from).isSymbolicLink(),
    filter: isWanted,
  });
}

function binariesUnder(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(({ name }) => /\.(node|so(\.\d+)*)$/.test(name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Absolute paths of shared libraries; none of a static binary. */
function librariesOf(binary) {
  try {
    const listed = execFileSync('ldd', [binary], { encoding: 'utf8', stdio: 'pipe' });
    return (listed.match(/\/\S+/g) ?? []).filter((path) => path.startsWith('/lib') || path.startsWith('/usr'));
  } catch {
    return [];
  }
}
