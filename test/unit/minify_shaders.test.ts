import { minifyShaders } from '../../scripts/minify_shaders.ts';

const kept = new Set(['studentLogits']);

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
  const [shader] = minifyShaders(
    ['#define FAR (1 + 2)\nint sum = 1 - -FAR;\nreturn sum;'],
    'glsl',
    new Set(['FAR', 'sum']),
  );
  expect(shader).toBe('#define FAR (1 + 2)\nint sum=1- -FAR;return sum;');
});

it('WGSL: functions, parameters, members, constants and variables', () => {
  const [shader] = minifyShaders(
    [
      'override LANES: u32 = 1;\nfn total(lanes: u32) -> f32 {\nvar<private> running: f32 = 0.0;\nlet share = running;\nreturn share;\n}',
    ],
    'wgsl',
    new Set(['LANES']),
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
    new Set(),
  );
  expect(shader).toContain('@group(0)@binding(1)var<workgroup>');
  expect(shader).toContain('@builtin(workgroup_id)');
});

it('what functions declare for themselves is a small letter each, and never that of a neighbour, a member or what all see', () => {
  const [shader] = minifyShaders(
    [
      'struct Row {\nshare: f32,\n}\nvar<private> total: f32;\nfn add(row: Row, factor: f32) {\nlet part = row.share * factor + a;\ntotal += part;\n}\nfn half(total: f32, other: f32) -> f32 {\nreturn other / 2.0 + total;\n}',
    ],
    'wgsl',
    new Set(),
  );
  const [, row, factor] = /\((\w+):\w+,(\w+):f32\)\{/.exec(shader) ?? [];
  const [, part, member] = /let (\w+)=\w+\.(\w+)\*/.exec(shader) ?? [];
  const names = [row, factor, part];
  expect(names.filter((name) => /^[b-z]$/.test(name))).toEqual(names);
  expect(new Set([...names, member]).size).toBe(4);
  const [, total] = /var<private>(\w+):f32/.exec(shader) ?? [];
  expect(shader).toContain(`${total}+=${part};`);
  expect(shader).toMatch(new RegExp(`\\(${total}:f32,(\\w):f32\\)->f32\\{return \\1/2\\.\\+${total};\\}`));
});

it('WGSL: vectors by their short names, whole numbers with a bare point', () => {
  const [shader] = minifyShaders(
    ['let t = vec4<f32>(1.0, 0.50, 2.05, 3e-8) * vec2<bool>(true);'],
    'wgsl',
    new Set(['t']),
  );
  expect(shader).toBe('let t=vec4f(1.,0.50,2.05,3e-8)*vec2<bool>(true);');
});
