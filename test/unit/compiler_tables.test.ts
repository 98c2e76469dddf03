/** What `npm run bench:compilers` reads of compilers' output, and what it complains of. */
import { withoutZeroing, withVectors, withWorkgroup } from '../../benchmarks/compilers/nvidia.ts';
import { readReport } from '../../benchmarks/compilers/radv_report.ts';
import { readSassReport } from '../../benchmarks/compilers/sass_report.ts';
import { type CompilerRow, complaintsOf, merged } from '../../benchmarks/compilers/table.ts';

/**
 * Of RADV's report on a pipeline for navi31: its statistics, and of its listing the branches, and the
 * instructions that are counted apart.
 */
const REPORT = `subgroup=64; Driver pipeline hash=826137762332798735; SGPRs=128; VGPRs=108; Spilled SGPRs=21; Spilled VGPRs=3; Code size=15416; LDS size=1536; Scratch size=768; Subgroups per SIMD=14; Combined inputs=0; Instructions=2910; Copies=289; Branches=53
BB0:
	s_mov_b32 s8, s3                                            ; be880003
	s_buffer_load_b128 s[12:15], s[8:11], 0x80                  ; f4280304 f8000080
	buffer_load_b32 v4, v3, s[28:31], 0 offen                   ; e0500000 80470403
	s_cbranch_scc1 BB9                                          ; bfa20365
BB1:
	s_buffer_load_b128 s[28:31], s[8:11], 0x10                  ; f4280704 f8000010
	buffer_load_b128 v[4:7], v3, s[28:31], 0 offen              ; e05c0000 80470403
	buffer_load_b128 v[8:11], v3, s[32:35], 0 offen             ; e05c0000 80480803
	s_waitcnt vmcnt(0)                                          ; bf8903f7
	v_exp_f32_e64 v8, -v8                                       ; d5a50008 20000108
	v_exp_f32_e32 v9, v9                                        ; 7e124b09
	s_cbranch_execz BB3                                         ; bfa50006
BB2:
	v_max_f32_e32 v1, v1, v4                                    ; 20020901
	s_cbranch_scc1 BB2                                          ; bfa20003
BB3:
	v_log_f32_e32 v1, v1                                        ; 7e024f01
	s_branch BB1                                                ; bfa0ffc5
BB4:
	buffer_load_b32 v1, v1, s[16:19], 0 offen                   ; e0500000 80440101
	s_cbranch_scc1 BB4                                          ; bfa201b1
BB5:
	buffer_load_b64 v[4:5], v3, s[28:31], 0 offen               ; e0540000 80470403
	buffer_load_b64 v[6:7], v3, s[32:35], 0 offen               ; e0540000 80480603
	v_exp_f32_e32 v4, v4                                        ; 7e084b04
	v_rcp_f32_e32 v5, v5                                        ; 7e0a5505
	buffer_store_b64 v[4:5], v3, s[36:39], 0 offen              ; e06c0000 80490403
	s_cbranch_scc0 BB5                                          ; bfa1fff0
BB9:
	s_endpgm                                                    ; bfb00000
`;

describe("a report of AMD's compiler", () => {
  it('has its statistics by their names', () => {
    expect(readReport(REPORT)).toMatchObject({
      subgroup: 64,
      vectorRegisters: 108,
      scalarRegisters: 128,
      spilled: [3, 21],
      workgroupMemory: 1536,
      scratch: 768,
      occupancy: 14,
      codeBytes: 15_416,
      instructions: 2910,
    });
  });

  it('has a sweep for each loop that reads memory and takes exponentials, without the loops in it', () => {
    expect(readReport(REPORT).sweeps).toEqual([
      { instructions: 9, transcendental: 3, bytesLoaded: 32, bytesStored: 0 },
      { instructions: 6, transcendental: 2, bytesLoaded: 16, bytesStored: 8 },
    ]);
  });

  it('tells the widest load of a lane, under the names of either generation', () => {
    expect(readReport(REPORT).widestLoad).toBe(16);
    expect(readReport(REPORT.replaceAll('_load_b128', '_load_dwordx4')).widestLoad).toBe(16);
    expect(readReport(REPORT.replaceAll('_load_b128', '_load_dwordx2')).widestLoad).toBe(8);
  });

  it('without a statistic that is needed is refused', () => {
    expect(() => readReport(REPORT.replace('Spilled VGPRs=3; ', ''))).toThrow(
      "readReport: the driver gives no statistic 'Spilled VGPRs'.",
    );
  });
});

const USAGE = `
Resource usage:
 Common:
  GLOBAL:23 CONSTANT[4]:64 CONSTANT[3]:136
 Function rows:
  REG:117 STACK:16 SHARED:9476 LOCAL:8 CONSTANT[0]:528 TEXTURE:0 SURFACE:0 SAMPLER:0
`;

/** Of nvdisasm's listing: a loop that reads uniforms, a sweep with a loop in it, and one that writes. */
const LISTING = `	.target	sm_90
rows:
.text.rows:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
.L_x_1:
        /*0010*/                   LDG.E.CONSTANT R60, desc[UR8][R2.64+0x48] ;
        /*0020*/              @!P1 BRA \`(.L_x_1) ;
.L_x_2:
        /*0030*/                   LDG.E.128.CONSTANT R4, desc[UR8][R2.64] ;
        /*0040*/               @P2 LDG.E.128.CONSTANT R8, desc[UR8][R12.64] ;
        /*0050*/                   BSSY B1, \`(.L_x_1) ;
        /*0060*/                   MUFU.EX2 R17, R17 ;
.L_x_3:
        /*0070*/                   FMNMX R1, R1, R4, !PT ;
        /*0080*/               @P0 BRA \`(.L_x_3) ;
.L_x_4:
        /*0090*/                   BRA.U UP0, \`(.L_x_2) ;
.L_x_5:
        /*00a0*/                   LDG.E.64 R4, desc[UR8][R2.64] ;
        /*00b0*/                   MUFU.RCP R5, R5 ;
        /*00c0*/                   STG.E.64 desc[UR8][R6.64], R4 ;
        /*00d0*/              @!P0 BRA \`(.L_x_5) ;
        /*00e0*/                   EXIT ;
`;

describe("a report of NVIDIA's compiler", () => {
  it('has registers, what a thread has in memory, and the warps that a multiprocessor of an H200 holds', () => {
    expect(readSassReport('sm_90', 512, USAGE, LISTING)).toMatchObject({
      subgroup: 32,
      vectorRegisters: 117,
      scalarRegisters: null,
      spilled: [],
      scratch: 24,
      workgroupMemory: 9476,
      occupancy: 16,
      instructions: 15,
      codeBytes: 240,
      widestLoad: 16,
    });
  });

  it.each([
    ['threads', 512, 32, 0, 64],
    ['registers, in steps of eight', 512, 57, 0, 32],
    ['registers, in whole workgroups', 96, 72, 0, 27],
    ['workgroups', 32, 32, 0, 32],
    ['memory, a kilobyte of which goes to the system', 128, 32, 22 * 1024, 36],
  ])('counts as many warps as there are %s for', (_, workgroup, registers, memory, warps) => {
    const usage = `REG:${registers} STACK:0 SHARED:${memory} LOCAL:0`;
    expect(readSassReport('sm_90', workgroup, usage, LISTING).occupancy).toBe(warps);
  });

  it('has the sweeps of its listing', () => {
    expect(readSassReport('sm_90', 512, USAGE, LISTING).sweeps).toEqual([
      { instructions: 5, transcendental: 1, bytesLoaded: 32, bytesStored: 0 },
      { instructions: 4, transcendental: 1, bytesLoaded: 8, bytesStored: 8 },
    ]);
  });

  it('without a figure that is needed is refused', () => {
    expect(() => readSassReport('sm_90', 512, USAGE.replace('STACK:16', ''), LISTING)).toThrow(
      "readSassReport: cuobjdump tells no 'STACK'.",
    );
  });
});

describe('on the way to NVIDIA', () => {
  const zeroing =
    '    if (localIndex == 0) {\n        isLast = (uint)0;\n    }\n    GroupMemoryBarrierWithGroupSync();\n';
  it('no single thread sets workgroup memory to zero', () => {
    expect(withoutZeroing(`{\n${zeroing}    uint item = (uint)0;\n`)).toBe('{\n    uint item = (uint)0;\n');
    expect(() => withoutZeroing('{\n    uint item = (uint)0;\n')).toThrow(/^expected 1 of .* got 0$/);
  });

  it('a compiler is told the size of the workgroup', () => {
    expect(withWorkgroup('extern "C" __global__ void rows() {}', 512)).toBe(
      'extern "C" __global__ void __launch_bounds__(512) rows() {}',
    );
    expect(() => withWorkgroup('extern "C" __global__ void columns() {}', 512)).toThrow(/got 0$/);
  });

  it('vectors are loaded and stored whole', () => {
    const hlsl = `
ByteAddressBuffer weights : register(t5);
RWByteAddressBuffer result : register(u0);
ByteAddressBuffer teacher : register(t1);
ByteAddressBuffer student : register(t2);
    uint4 _e14 = asuint(student.Load4((_e3 + min(((k_2 * LANES) + _e7), _e10))*16));
    uint4 _e14 = asuint(teacher.Load4((_e3 + _e7)*16));
    uint _e11 = asuint(student.Load(naga_mod(classId, 4u)*4+(_e3 + naga_div(classId, 4u))*16));
        result.Store4((_e12 + i_6)*16, asuint(slopes));
`;
    expect(withVectors(hlsl)).toBe(`
ByteAddressBuffer weights : register(t5);
RWStructuredBuffer<float4> result : register(u0);
StructuredBuffer<uint4> teacher : register(t1);
StructuredBuffer<uint4> student : register(t2);
    uint4 _e14 = asuint(student[_e3 + min(((k_2 * LANES) + _e7), _e10)]);
    uint4 _e14 = asuint(teacher[_e3 + _e7]);
    uint _e11 = asuint(student[_e3 + naga_div(classId, 4u)][naga_mod(classId, 4u)]);
        result[_e12 + i_6] = slopes;
`);
    expect(() => withVectors(hlsl.replace('Store4', 'Store3'))).toThrow(/got 0$/);
  });
});

const ROW: CompilerRow = {
  chip: 'navi31',
  team: 'workgroup',
  variant: 'kl [8192,32000] whole',
  inputs: 'vec4',
  lanes: 512,
  workgroup: 512,
  vectors: 4,
  subgroup: 64,
  vectorRegisters: 96,
  scalarRegisters: 128,
  spilled: [0, 2],
  scratchBytes: 0,
  workgroupMemoryBytes: 8704,
  occupancy: 16,
  instructions: 2853,
  codeBytes: 14_416,
  load: 16,
  sweeps: [],
};
const OTHER: CompilerRow = { ...ROW, variant: 'jsd [8192,32000] whole' };

describe('compared with the committed table', () => {
  const key = 'navi31 workgroup kl [8192,32000] whole';

  it('a variant may take other registers, and spill less', () => {
    const better = { ...ROW, vectorRegisters: 120, spilled: [0, 0], occupancy: 18, instructions: 9000 };
    expect(complaintsOf([ROW], [better as CompilerRow])).toEqual([]);
  });

  it.each<[string, Partial<CompilerRow>, string]>([
    [
      'spills vector registers',
      { spilled: [1, 2] },
      'spills 1 registers + 2 registers + 0 bytes; before spills 0 registers + 2 registers + 0 bytes',
    ],
    [
      'spills more scalar registers',
      { spilled: [0, 3] },
      'spills 0 registers + 3 registers + 0 bytes; before spills 0 registers + 2 registers + 0 bytes',
    ],
    [
      'spills to memory',
      { scratchBytes: 4 },
      'spills 0 registers + 2 registers + 4 bytes; before spills 0 registers + 2 registers + 0 bytes',
    ],
    ['loses a step of occupancy', { occupancy: 15 }, 'occupancy 15; before 16'],
  ])('a variant that %s is complained of', (_, change, complaint) => {
    expect(complaintsOf([OTHER, ROW], [{ ...ROW, ...change }, OTHER])).toEqual([`${key}: ${complaint}`]);
  });

  it('a variant that the table does not name is complained of, and of its spills', () => {
    expect(complaintsOf([OTHER], [OTHER, { ...ROW, spilled: [0, 0] }])).toEqual([`${key}: not in the table`]);
    expect(complaintsOf([OTHER], [OTHER, ROW])).toEqual([
      `${key}: not in the table`,
      `${key}: spills 0 registers + 2 registers + 0 bytes`,
    ]);
  });

  it('a variant that is no longer chosen is complained of, if its chip was compiled for', () => {
    const ofVega = { ...ROW, chip: 'vega10' };
    expect(complaintsOf([OTHER, ROW, ofVega], [OTHER])).toEqual([
      `${key}: in the table, but no longer chosen`,
    ]);
  });

  it('rows of one chip replace those of the same, and leave those of the others', () => {
    const ofVega = { ...ROW, chip: 'vega10' };
    const changed = { ...OTHER, vectorRegisters: 72 };
    expect(merged([ROW, OTHER, ofVega], [changed])).toEqual([changed, ofVega]);
    expect(merged([ROW], [ofVega])).toEqual([ROW, ofVega]);
  });
});
