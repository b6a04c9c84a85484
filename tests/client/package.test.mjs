// The client as a package: small, whole, and what its types say.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import * as client from '../../node/web/client/switchboard.js';
import { leaveAll, signIn } from '../support/app.mjs';
import { fresh } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';

const MAX_BYTES = 10_000;

const here = fileURLToPath(new URL('.', import.meta.url));
const dir = fileURLToPath(new URL('../../node/web/client/', import.meta.url));
const types = join(dir, 'switchboard.d.ts');
const manifest = JSON.parse(readFileSync(join(dir, 'package.json')));
const modules = readdirSync(dir).filter((name) => name.endsWith('.js'));
const run = promisify(execFile);
/** npm without a look at the network or at the user's cache. */
const npm = (args, cwd) => run('npm', [...args, '--offline', '--no-audit', '--no-fund', '--cache', join(temporary, 'cache')], { cwd });

let temporary;
let cluster;
before(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'switchboard-package-'));
  cluster = await startCluster({ nodes: 1 });
});
after(() => {
  leaveAll();
  rmSync(temporary, { recursive: true, force: true });
  return cluster?.stop();
});

test(`a node sends it in less than ${MAX_BYTES} bytes`, async () => {
  const { status, headers } = await cluster.nodes[0].get('/client/switchboard.js', { headers: { 'accept-encoding': 'gzip' } });
  assert.deepEqual([status, headers['content-encoding']], [200, 'gzip']);
  assert.ok(Number(headers['content-length']) < MAX_BYTES, `${headers['content-length']} bytes`);
});

test('modules import nothing but each other, and all of them are reached', () => {
  const reached = new Set();
  const visit = (name) => {
    if (reached.has(name)) return;
    reached.add(name);
    const { importedFiles } = ts.preProcessFile(readFileSync(join(dir, name), 'utf8'));
    for (const { fileName } of importedFiles) {
      assert.match(fileName, /^\.\/[a-z]+\.js$/, `in ${name}`);
      visit(fileName.slice(2));
    }
  };
  visit('switchboard.js');
  assert.deepEqual([...reached].sort(), modules.sort());
});

test('the version is the server\'s, and there is no dependency', () => {
  const [, version] = /project\(switchboard VERSION ([\d.]+)/.exec(readFileSync(join(here, '../../CMakeLists.txt'), 'utf8'));
  assert.equal(manifest.version, version);
  const kinds = ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies', 'scripts'];
  for (const kind of kinds) assert.equal(manifest[kind], undefined, kind);
});

describe('the packed package', () => {
  let packed;
  let home;
  before(async () => {
    const { stdout } = await npm(['pack', '--json', '--pack-destination', temporary], dir);
    [packed] = JSON.parse(stdout);
    home = join(temporary, 'app');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    await npm(['install', join(temporary, packed.filename)], home);
  });

  test('holds its modules, types and manual, and nothing else', () => {
    assert.deepEqual(packed.files.map(({ path }) => path).sort(), ['README.md', 'package.json', 'switchboard.d.ts', ...modules].sort());
  });

  test('is found by Node, and calls from there', async () => {
    const { url } = cluster.nodes[0];
    symlinkSync(join(here, '../node_modules/ws'), join(home, 'node_modules/ws'));
    const token = mint(fresh('alice'));
    writeFileSync(
      join(home, 'app.js'),
      `import { connect, SwitchboardError } from 'switchboard-client';
       import WebSocket from 'ws';
       const me = await connect({ url: '${url}', token: '${token}', WebSocket, RTCPeerConnection: null });
       const error = await me.request('call.get', { call: 'AAAAAAAAAAAAAAAAAAAAAAAA' }).catch((error) => error);
       console.log(me.user, error instanceof SwitchboardError, error.code);
       await me.close();`,
    );
    const { stdout } = await run(process.execPath, ['app.js'], { cwd: home });
    assert.match(stdout, /^alice-\S+ true not_found\n$/);
  });

  test('has types for strict TypeScript', async () => {
    writeFileSync(join(home, 'types.ts'), readFileSync(join(here, 'types.ts')));
    const lib = ['es2022']; // a project for Node has no more: the package brings what else its types need
    const checked = { strict: true, exactOptionalPropertyTypes: true, skipDefaultLibCheck: true };
    const compilerOptions = { ...checked, noEmit: true, target: 'es2022', module: 'nodenext', lib, types: [] };
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    await run(process.execPath, [tsc], { cwd: home }).catch(({ stdout, stderr }) => assert.fail(stdout + stderr));
  });
});

describe('switchboard.d.ts', () => {
  const program = ts.createProgram([types], { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [] });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(types);
  const exported = new Map(checker.getExportsOfModule(checker.getSymbolAtLocation(source)).map((symbol) => [symbol.name, symbol]));
  /** Names of what an instance of an exported class or interface has. */
  const membersOf = (name, wanted = () => true) => {
    const found = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(exported.get(name))).filter(wanted);
    return found.filter(({ valueDeclaration }) => valueDeclaration?.getSourceFile() === source).map((symbol) => symbol.name);
  };
  const isMethod = (symbol) => Boolean(symbol.flags & ts.SymbolFlags.Method);
  /** Methods that an object has from the client's own classes, without those of the package's own use. */
  const methods = (object) => {
    const names = new Set();
    for (let proto = object; proto && proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
        if (typeof value === 'function' && name !== 'constructor' && !name.startsWith('_')) names.add(name);
      }
    }
    return [...names].sort();
  };

  test('names every value that the module exports, and no other', () => {
    const isValue = (symbol) => Boolean(symbol.flags & ts.SymbolFlags.Value);
    const declared = [...exported.values()].filter(isValue).map((symbol) => symbol.name);
    assert.deepEqual(declared.sort(), Object.keys(client).sort());
  });

  for (const name of ['Switchboard', 'Call']) {
    test(`has the methods of ${name}, and no other`, () => {
      assert.deepEqual(membersOf(name, isMethod).sort(), methods(client[name].prototype));
    });
  }

  test('tells what a client has', async () => {
    const { me } = await signIn(cluster.nodes, fresh('alice'));
    const call = await me.room({ stream: null });
    const error = await me.request('nothing').catch((refusal) => refusal);
    for (const [name, object] of Object.entries({ Switchboard: me, Call: call, Member: call.me, SwitchboardError: error })) {
      // What not each of them has stands with a question mark.
      const always = membersOf(name, (symbol) => !(symbol.flags & ts.SymbolFlags.Optional));
      for (const member of always) assert.notEqual(object[member], undefined, `${name}.${member}`);
      const has = new Set(membersOf(name));
      const own = Object.keys(object).filter((member) => !member.startsWith('_') && object[member] !== undefined);
      const extra = own.filter((member) => !has.has(member) && !(object instanceof Error && member === 'name'));
      assert.deepEqual(extra, [], `${name} has more than it says`);
    }
    await me.close();
  });
});
