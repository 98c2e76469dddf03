import { minifyShaders } from '../../scripts/minify_shaders.ts';

const kept = ['studentLogits'];

it('names that shaders declare become short, the same in every file; what others name stays', () => {
  const [first, second] = minifyShaders(
    [
      'struct Walk {\nint width;\n};\nfloat largest(Walk walk) {\nreturn texelFetch(studentLogits, walk.width).xyz;\n}',
      'float again = largest(walk) + a;',
    ],
    'glsl',
    kept,
  );
  expect(first).not.toMatch(/Walk|width|largest|walk/);
  expect(first).toContain('texelFetch(studentLogits,');
  expect(first).toContain('.xyz');
  const [, name] = /float (\w+)\(/.exec(first) ?? [];
  expect(second).toContain(`=${name}(`);
  expect(second).toMatch(/\+a;$/); // and no name became `a`
});

it('lines of the preprocessor stay as they are, spaces that mean something too', () => {
  const [shader] = minifyShaders(['#define FAR (1 + 2)\nint sum = 1 - -FAR;\nreturn sum;'], 'glsl', [
    'FAR',
    'sum',
  ]);
  expect(shader).toBe('#define FAR (1 + 2)\nint sum=1- -FAR;return sum;');
});

it('WGSL: functions, parameters, members, constants and variables', () => {
  const [shader] = minifyShaders(
    [
      'override LANES: u32 = 1;\nfn total(lanes: u32) -> f32 {\nvar<private> running: f32 = 0.0;\nlet share = running;\nreturn share;\n}',
    ],
    'wgsl',
    ['LANES'],
  );
  expect(shader).toContain('override LANES:u32=1;');
  expect(shader).not.toMatch(/total|lanes|running|share/);
});

it('WGSL: a variable may have the name of an attribute, of a builtin value or of an address space', () => {
  const [shader] = minifyShaders(
    [
      '@group(0) @binding(1) var<workgroup> exchange: array<f32, 4>;\nfn share(@builtin(workgroup_id) group: vec3<u32>) -> u32 {\nlet workgroup = group.x;\nlet binding = workgroup;\nlet workgroup_id = binding;\nreturn workgroup_id;\n}',
    ],
    'wgsl',
    [],
  );
  expect(shader).toContain('@group(0)@binding(1)var<workgroup>');
  expect(shader).toContain('@builtin(workgroup_id)');
});

it('what are two words stays two: of functions that share a word, a member of that name and what all see', () => {
  const [shader, other] = minifyShaders(
    [
      'struct Row {\nshare: f32,\n}\nvar<private> total: f32;\nfn add(row: Row, factor: f32) {\nlet part = row.share * factor + a;\ntotal += part;\n}',
      'fn half(total: f32, share: f32) -> f32 {\nreturn share / 2.0 + total;\n}',
    ],
    'wgsl',
    [],
  );
  const [, row, factor] = /\((\w+):\w+,(\w+):f32\)\{/.exec(shader) ?? [];
  const [, part, share] = /let (\w+)=\w+\.(\w+)\*/.exec(shader) ?? [];
  const [, total] = /var<private>(\w+):f32/.exec(shader) ?? [];
  expect(new Set([row, factor, part, share, total, 'a', undefined]).size).toBe(7);
  expect(other).toMatch(
    new RegExp(`\\(${total}:f32,${share}:f32\\)->f32\\{return ${share}/2\\.\\+${total};\\}`),
  );
});

it('a variable may have the name of a function of the language, which stays', () => {
  const texts = [
    'float least(float x) {\nfloat step = 2.0;\nreturn step * x;\n}',
    'float far = step(1.0, width);',
  ];
  const [first, second] = minifyShaders(texts, 'glsl', []);
  expect(first).toMatch(/float step=2\.;return step\*x;/);
  expect(second).toMatch(/^float \w=step\(1\.,width\);$/);
  const [wgsl] = minifyShaders(
    ['struct Pair {\nleft: f32,\n}\nfn twice(step: f32) -> Pair {\nreturn Pair(step(step, 2.0) * 2.0);\n}'],
    'wgsl',
    [],
  );
  expect(wgsl).toMatch(
    /^struct (\w)\{\w:f32,\}fn \w\(step:f32\)->\1\{return \1\(step\(step,2\.\)\*2\.\);\}$/,
  );
});

it('WGSL: vectors by their short names, whole numbers with a bare point', () => {
  const [shader] = minifyShaders(['let t = vec4<f32>(1.0, 0.50, 2.05, 3e-8) * vec2<bool>(true);'], 'wgsl', [
    't',
  ]);
  expect(shader).toBe('let t=vec4f(1.,0.50,2.05,3e-8)*vec2<bool>(true);');
});
