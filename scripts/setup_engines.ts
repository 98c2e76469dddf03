/**
 * Installs what engines.ts looks for, on Debian for x64: packages that no browser of ours needs installed are
 * unpacked under .cache/, where a second run finds them; the browsers are installed into the system, because
 * WebKit looks for its parts there. apt checks every package against Debian's signed lists; what comes from
 * npm is checked against the digests below.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DEBIAN,
  ENGINES,
  GLSLANG,
  LAVAPIPE_MANIFEST,
  LIBRARIES,
  mesaVersion,
  NAGA,
  naga,
  programOf,
  RUNTIMES,
  type Runtime,
  whyNoDisplay,
  whyNoFirefox,
  whyNoNaga,
  whyNoWebKit,
} from './engines.ts';
import { firstLine, into, output, run, say } from './setup.ts';

/**
 * Dawn refuses the lavapipe of Debian 12, which lacks a feature that it needs; that of the backports has it.
 */
const UNPACKED_FROM_BACKPORTS = ['mesa-vulkan-drivers', 'libvulkan1', 'libvulkan-dev'];

/** glslangValidator is one file without dependencies of its own. */
const UNPACKED_ALONE = ['glslang-tools'];

const INSTALLED = ['firefox-esr', 'webkit2gtk-driver', 'xvfb', 'libegl1', 'libgl1-mesa-dri', 'libgles2'];

/** Of the packages of npm, in the form that npm gives. */
const DIGESTS: Record<Runtime, string> = {
  deno: 'sha512-3md4TKLCuzsLDmfOoC5KN7NAZaxSVkMgm64vg6foD00JBADCpYS2/5QqXfzgnP5ZQz3iLP9vBQJtEgc116OAoQ==',
  bun: 'sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==',
};

function setUp(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64' || osRelease().ID !== 'debian')
    throw new Error(
      `setup_engines: expected Debian for x64; got ${osRelease().ID ?? process.platform}-${process.arch}. Without the engines npm test skips what needs them.`,
    );
  mkdirSync(ENGINES, { recursive: true });
  for (const runtime of ['deno', 'bun'] as const) fetchRuntime(runtime);
  unpackDebian();
  buildNaga();
  installBrowsers();
}

function fetchRuntime(runtime: Runtime): void {
  const { package: name, version } = RUNTIMES[runtime];
  const program = programOf(runtime);
  if (!existsSync(program)) {
    say(`Fetching ${name} ${version}`);
    into(join(ENGINES, `${runtime}-${version}`), (folder) => {
      run('npm', ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`], 'ignore');
      const [archive] = readdirSync(folder);
      const digest = createHash('sha512')
        .update(readFileSync(join(folder, archive)))
        .digest('base64');
      if (`sha512-${digest}` !== DIGESTS[runtime])
        throw new Error(
          `setup_engines: ${archive} is not what was expected; its digest is sha512-${digest}.`,
        );
      run('tar', ['-xzf', join(folder, archive), '-C', folder, '--strip-components=1']);
      rmSync(join(folder, archive));
    });
  }
  say(firstLine(program, ['--version']));
}

function unpackDebian(): void {
  if (!existsSync(LAVAPIPE_MANIFEST)) {
    say(`Unpacking ${[...UNPACKED_FROM_BACKPORTS, ...UNPACKED_ALONE].join(', ')}`);
    const archives = downloadPackages();
    into(DEBIAN, (folder) => {
      for (const archive of archives) run('dpkg-deb', ['--extract', archive, folder]);
      writeManifest(folder);
    });
    rmSync(join(ENGINES, 'apt'), { recursive: true });
  }
  say(`Mesa ${mesaVersion()}`);
  say(firstLine(GLSLANG, ['--version']));
}

/** Unless the system has it. Without optimisation, which would take longer than it saves. */
function buildNaga(): void {
  const { version, folder } = NAGA;
  if (whyNoNaga() !== null) {
    say(`Building naga-cli ${version}`);
    const what = ['naga-cli', '--version', version, '--locked', '--debug'];
    into(folder, (partial) => run('cargo', ['install', '--quiet', ...what, '--root', partial]));
  }
  say(`naga ${firstLine(naga() ?? '', ['--version'])}`);
}

/** Names the driver by where it will lie, not by where Debian would have put it. */
function writeManifest(folder: string): void {
  const library_path = join(LIBRARIES, 'libvulkan_lvp.so');
  const manifest = { file_format_version: '1.0.0', ICD: { library_path, api_version: '1.3.0' } };
  writeFileSync(join(folder, 'lavapipe.json'), JSON.stringify(manifest));
}

/**
 * By an apt whose sources, lists and archives lie under .cache/, with the backports beside the sources of the
 * system. Gives the paths of the packages that the system lacks.
 */
function downloadPackages(): string[] {
  const apt = join(ENGINES, 'apt');
  const archives = join(apt, 'archives');
  for (const folder of ['lists/partial', 'archives/partial'])
    mkdirSync(join(apt, folder), { recursive: true });
  const sources = join(apt, 'sources.list');
  writeFileSync(sources, sourcesWithBackports());
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': apt,
    'Dir::Cache::archives': archives,
    'Debug::NoLocking': 'true', // nothing of the system changes
    'APT::Sandbox::User': 'root', // who owns the checkout
  };
  const options = ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  run('apt-get', [...options, 'update']);
  const only = ['--yes', '--no-install-recommends', '--download-only', '--reinstall'];
  const from = ['--target-release', `${codename()}-backports`];
  run('apt-get', [...options, 'install', ...only, ...from, ...UNPACKED_FROM_BACKPORTS]);
  execFileSync('apt-get', [...options, 'download', ...UNPACKED_ALONE], { cwd: archives, stdio: 'inherit' });
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(archives, name));
}

/** Debian's own sources as the system has them, and the backports from where its packages come from. */
function sourcesWithBackports(): string {
  const known = output('apt-get', [
    'indextargets',
    '--format',
    '$(SITE) $(RELEASE) $(COMPONENT)',
    'Created-By: Packages',
  ]);
  const lines = known
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, release = '', component]) => component === 'main' && release.startsWith(codename()));
  const main = lines.find(([, release]) => release === codename());
  if (main === undefined)
    throw new Error(`setup_engines: apt's sources name no packages of ${codename()}; add Debian's own.`);
  lines.push([main[0], `${codename()}-backports`]);
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  return lines.map(([site, release]) => `deb [signed-by=${keyring}] ${site} ${release} main\n`).join('');
}

function installBrowsers(): void {
  const missing = [whyNoFirefox(), whyNoWebKit(), whyNoDisplay()].filter((why) => why !== null);
  if (missing.length > 0) {
    const install = ['install', '--yes', '--no-install-recommends', ...INSTALLED];
    if (process.getuid?.() !== 0)
      throw new Error(
        `setup_engines: ${missing.length} programs are missing, and only root may install them: apt-get ${install.join(' ')}`,
      );
    say(`Installing ${INSTALLED.join(', ')}`);
    process.env.DEBIAN_FRONTEND = 'noninteractive';
    run('apt-get', ['-qq', 'update']);
    run('apt-get', ['-qq', ...install]);
  }
  for (const why of [whyNoFirefox(), whyNoWebKit(), whyNoDisplay()])
    if (why !== null) throw new Error(`setup_engines: after the installation ${why}.`);
  for (const name of INSTALLED) {
    const status = output('dpkg-query', ['--status', name]);
    say(`${name} ${/^Version: (.*)$/m.exec(status)?.[1]}`);
  }
}

function osRelease(): Record<string, string> {
  const path = '/etc/os-release';
  if (!existsSync(path)) return {};
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.replaceAll('"', '').split('=')));
}

const codename = () => osRelease().VERSION_CODENAME ?? 'unknown';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setUp();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
