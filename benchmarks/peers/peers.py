"""Times other implementations of the distillation loss on the same shapes and the same job as `npm run bench`, and writes the same rows.

The job: raw teacher logits v and student logits z in, the mean over rows of -sum p log q out, p = softmax(v/T), q = softmax(z/T), T = 2, and with
`value+gradient` also its gradient to z. Needs PyTorch; Triton and Liger-Kernel are timed if they are installed.

    python3 peers.py --json peers.json
    TRITON_INTERPRET=1 python3 peers.py --device cpu --check     # without a GPU: checks every peer that can run, times nothing

Times are medians of samples, implementations interleaved round by round, inputs used in turn so that no cache answers for memory. Every result is
checked against float64 before it is timed.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import time

import torch
import torch._dynamo

T = 2.0
PHASES = ("value", "value+gradient")
HERE = pathlib.Path(__file__).resolve().parent

# ---------------------------------------------------------------- PyTorch


def torch_loss(v, z):
    """PyTorch's own: cross entropy with probabilities as targets."""
    return torch.nn.functional.cross_entropy(z / T, torch.softmax(v / T, dim=-1))


def with_autograd(loss_function):
    def run(v, z, phase):
        if phase == "value":
            with torch.no_grad():
                return loss_function(v, z), None
        z = z.detach().requires_grad_(True)
        loss = loss_function(v, z)
        (d_student,) = torch.autograd.grad(loss, z)
        return loss.detach(), d_student

    return run


# ---------------------------------------------------------------- Triton

try:
    import triton
    import triton.language as tl
except ImportError:
    triton = None

if triton is not None:
    INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"

    @triton.jit
    def rows_that_fit(v_ptr, z_ptr, loss_ptr, d_ptr, rows, classes, scale, inverse_t, ROWS: tl.constexpr, BLOCK: tl.constexpr, GRADIENT: tl.constexpr):
        """ROWS rows a program, each in registers: v and z are read once, dz is written once."""
        n = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
        i = tl.arange(0, BLOCK)
        inside = (n[:, None] < rows) & (i[None, :] < classes)
        at = n[:, None] * classes + i[None, :]
        z = tl.load(z_ptr + at, mask=inside, other=float("-inf"))
        v = tl.load(v_ptr + at, mask=inside, other=float("-inf"))
        # Rows past the end would be -inf - -inf.
        a = (z - tl.maximum(tl.max(z, 1), -3e38)[:, None]) * inverse_t
        b = (v - tl.maximum(tl.max(v, 1), -3e38)[:, None]) * inverse_t
        u = tl.exp(a)
        w = tl.exp(b)
        sz = tl.sum(u, 1)
        sv = tl.sum(w, 1)
        mean_a = tl.sum(tl.where(inside, w * a, 0.0), 1) / sv
        tl.store(loss_ptr + n, (tl.log(sz) - mean_a) * scale, mask=n < rows)
        if GRADIENT:
            d = (u / sz[:, None] - w / sv[:, None]) * (inverse_t * scale)
            tl.store(d_ptr + at, d, mask=inside)

    @triton.jit
    def sweep(v_ptr, z_ptr, start, begin, end, inverse_t, BLOCK: tl.constexpr):
        """Online statistics of the classes [begin, end) of a row: both maxima, both sums, and sum w (z - mz)/T."""
        i = tl.arange(0, BLOCK)
        mz = -3e38
        mv = -3e38
        sz = 0.0
        sv = 0.0
        dot = 0.0
        for first in range(begin, end, BLOCK):
            inside = first + i < end
            z = tl.load(z_ptr + start + first + i, mask=inside, other=float("-inf"))
            v = tl.load(v_ptr + start + first + i, mask=inside, other=float("-inf"))
            new_mz = tl.maximum(mz, tl.max(z, 0))
            new_mv = tl.maximum(mv, tl.max(v, 0))
            a = (z - new_mz) * inverse_t
            w = tl.exp((v - new_mv) * inverse_t)
            shift = (mz - new_mz) * inverse_t
            shrink = tl.exp((mv - new_mv) * inverse_t)
            sz = sz * tl.exp(shift) + tl.sum(tl.exp(a), 0)
            dot = tl.where(sv > 0.0, (dot + sv * shift) * shrink, 0.0) + tl.sum(tl.where(inside, w * a, 0.0), 0)
            sv = sv * shrink + tl.sum(w, 0)
            mz = new_mz
            mv = new_mv
        return mz, mv, sz, sv, dot

    @triton.jit
    def write_gradient(v_ptr, z_ptr, d_ptr, start, begin, end, mz, mv, over_sz, over_sv, inverse_t, BLOCK: tl.constexpr):
        i = tl.arange(0, BLOCK)
        for first in range(begin, end, BLOCK):
            inside = first + i < end
            at = start + first + i
            z = tl.load(z_ptr + at, mask=inside, other=0.0)
            v = tl.load(v_ptr + at, mask=inside, other=0.0)
            d = tl.exp((z - mz) * inverse_t) * over_sz - tl.exp((v - mv) * inverse_t) * over_sv
            tl.store(d_ptr + at, d, mask=inside)

    @triton.jit
    def one_program_a_row(v_ptr, z_ptr, loss_ptr, d_ptr, classes, scale, inverse_t, BLOCK: tl.constexpr, GRADIENT: tl.constexpr):
        """Two sweeps in blocks; the second follows closely enough to find much of the row in the L2 cache."""
        n = tl.program_id(0).to(tl.int64)
        start = n * classes
        mz, mv, sz, sv, dot = sweep(v_ptr, z_ptr, start, 0, classes, inverse_t, BLOCK)
        tl.store(loss_ptr + n, (tl.log(sz) - dot / sv) * scale)
        if GRADIENT:
            factor = inverse_t * scale
            write_gradient(v_ptr, z_ptr, d_ptr, start, 0, classes, mz, mv, factor / sz, factor / sv, inverse_t, BLOCK)

    @triton.jit
    def part_of_a_row(v_ptr, z_ptr, parts_ptr, classes, span, inverse_t, BLOCK: tl.constexpr):
        """Few long rows: the statistics of a part of a row each."""
        n = tl.program_id(0).to(tl.int64)
        k = tl.program_id(1)
        begin = k * span
        mz, mv, sz, sv, dot = sweep(v_ptr, z_ptr, n * classes, begin, tl.minimum(begin + span, classes), inverse_t, BLOCK)
        at = parts_ptr + (n * tl.num_programs(1) + k) * 5
        tl.store(at, mz)
        tl.store(at + 1, mv)
        tl.store(at + 2, sz)
        tl.store(at + 3, sv)
        tl.store(at + 4, dot)

    @triton.jit
    def merge_and_write(
        v_ptr, z_ptr, parts_ptr, loss_ptr, d_ptr, classes, span, parts, scale, inverse_t, PARTS: tl.constexpr, BLOCK: tl.constexpr, GRADIENT: tl.constexpr
    ):
        n = tl.program_id(0).to(tl.int64)
        k = tl.program_id(1)
        j = tl.arange(0, PARTS)
        there = j < parts
        at = parts_ptr + (n * parts + j) * 5
        each_mz = tl.load(at, mask=there, other=-3e38)
        each_mv = tl.load(at + 1, mask=there, other=-3e38)
        mz = tl.max(each_mz, 0)
        mv = tl.max(each_mv, 0)
        shift = (each_mz - mz) * inverse_t
        grow_z = tl.exp(shift)
        grow_v = tl.exp((each_mv - mv) * inverse_t)
        each_sv = tl.load(at + 3, mask=there, other=0.0)
        sz = tl.sum(tl.load(at + 2, mask=there, other=0.0) * grow_z, 0)
        sv = tl.sum(each_sv * grow_v, 0)
        dots = (tl.load(at + 4, mask=there, other=0.0) + each_sv * tl.where(there, shift, 0.0)) * grow_v
        dot = tl.sum(tl.where(there, dots, 0.0), 0)
        if k == 0:
            tl.store(loss_ptr + n, (tl.log(sz) - dot / sv) * scale)
        if GRADIENT:
            begin = k * span
            factor = inverse_t * scale
            write_gradient(
                v_ptr, z_ptr, d_ptr, n * classes, begin, tl.minimum(begin + span, classes), mz, mv, factor / sz, factor / sv, inverse_t, BLOCK
            )

    def triton_plans(rows, classes, processors):
        """Ways to cut the rows, the likely best first. On a GPU each is tried once a shape and the fastest stays."""
        whole = triton.next_power_of_2(classes)
        plans = []
        if whole <= 32768:
            for elements in (1024, 2048, 4096, 8192):
                many = max(1, elements // whole)
                warps = min(32, max(4, many * whole // 512))
                plans.append(("fits", {"ROWS": many, "BLOCK": whole, "num_warps": warps}))
            if whole >= 4096:
                plans += [("fits", {"ROWS": 1, "BLOCK": whole, "num_warps": warps}) for warps in (8, 16, 32)]
        if classes > 2048:
            for block, warps in ((2048, 4), (4096, 8), (8192, 8), (8192, 16), (16384, 16)):
                plans.append(("row", {"BLOCK": block, "num_warps": warps}))
        if classes > 8192 and rows < 4 * processors:
            for parts in (4, 8, 16, 32, 64):
                if classes // parts >= 2048:
                    plans.append(("parts", {"PARTS": parts, "BLOCK": 4096, "num_warps": 8}))
        unique = []
        for plan in plans:
            if plan not in unique:
                unique.append(plan)
        return unique

    def run_triton_plan(plan, v, z, phase):
        kind, options = plan
        rows, classes = z.shape
        gradient = phase != "value"
        losses = torch.empty(rows, device=z.device)
        d = torch.empty_like(z) if gradient else losses
        common = {"GRADIENT": gradient, **options}
        scale = 1.0 / rows
        if kind == "fits":
            rows_that_fit[(triton.cdiv(rows, options["ROWS"]),)](v, z, losses, d, rows, classes, scale, 1 / T, **common)
        elif kind == "row":
            one_program_a_row[(rows,)](v, z, losses, d, classes, scale, 1 / T, **common)
        else:
            block, warps = options["BLOCK"], options["num_warps"]
            span = triton.cdiv(triton.cdiv(classes, options["PARTS"]), block) * block
            parts = triton.cdiv(classes, span)
            statistics_ = torch.empty(rows * parts * 5, device=z.device)
            grid = (rows, parts)
            part_of_a_row[grid](v, z, statistics_, classes, span, 1 / T, BLOCK=block, num_warps=warps)
            last = grid if gradient else (rows, 1)
            merge_and_write[last](v, z, statistics_, losses, d, classes, span, parts, scale, 1 / T, **common)
        return losses.sum(), d if gradient else None

    chosen_plans = {}

    def triton_loss(v, z, phase):
        rows, classes = z.shape
        key = (rows, classes, phase)
        if key not in chosen_plans:
            processors = torch.cuda.get_device_properties(z.device).multi_processor_count if z.is_cuda else 2
            plans = triton_plans(rows, classes, processors)
            chosen_plans[key] = fastest_plan(plans, v, z, phase) if z.is_cuda else plans[0]
        return run_triton_plan(chosen_plans[key], v, z, phase)

    def fastest_plan(plans, v, z, phase):
        times = []
        for plan in plans:
            for _ in range(3):
                run_triton_plan(plan, v, z, phase)
            samples = [device_ms(lambda: run_triton_plan(plan, v, z, phase)) for _ in range(7)]
            times.append(statistics.median(samples))
        return plans[times.index(min(times))]


# ---------------------------------------------------------------- Liger-Kernel


def liger_peers():
    """Its KL and JSD take log probabilities, so that the softmaxes belong to the job. They differ from CE by terms that only the teacher changes (KL),
    or altogether (JSD), so their value is checked against their own definition."""
    try:
        from liger_kernel.transformers import LigerJSD, LigerKLDIVLoss
    except ImportError:
        return {}

    kl = LigerKLDIVLoss(reduction="batchmean", log_target=True)
    jsd = LigerJSD(beta=0.5)
    peers = {
        "liger-kl": with_autograd(lambda v, z: kl(torch.log_softmax(z / T, -1), torch.log_softmax(v / T, -1))),
        "liger-jsd": with_autograd(lambda v, z: jsd(torch.log_softmax(z / T, -1), torch.log_softmax(v / T, -1))),
    }
    if INTERPRETED:
        del peers["liger-kl"]  # its kernel is written so that Triton's interpreter cannot run it
    return peers


# ---------------------------------------------------------------- truth


def truth(name, v, z):
    """Value and gradient in float64, from the definitions, of some of the rows (the gradient of a mean over all rows)."""
    z = z.double().requires_grad_(True)
    log_p = torch.log_softmax(v.double() / T, -1)
    log_q = torch.log_softmax(z / T, -1)
    p = log_p.exp()
    if name == "liger-kl":
        rows = (p * (log_p - log_q)).sum(-1)
    elif name == "liger-jsd":
        log_m = (0.5 * (p + log_q.exp())).log()
        rows = 0.5 * (p * (log_p - log_m)).sum(-1) + 0.5 * (log_q.exp() * (log_q - log_m)).sum(-1)
    else:
        rows = -(p * log_q).sum(-1)
    (gradient,) = torch.autograd.grad(rows.sum(), z)
    return rows.detach(), gradient


def check(name, v, z, loss, d_student):
    """Raises unless loss and gradient are right; the gradient in blocks of rows, so that float64 fits."""
    rows, classes = z.shape
    block = max(1, 2**24 // classes)
    total = 0.0
    for first in range(0, rows, block):
        part = slice(first, first + block)
        values, gradient = truth(name, v[part], z[part])
        total += values.sum().item()
        if d_student is not None:
            error = (d_student[part].double() * rows - gradient).norm() / gradient.norm()
            if not error <= 1e-4:
                raise AssertionError(f"{name} {list(z.shape)}: gradient of rows from {first} on is off by {error:.2e}")
    mean = total / rows
    if not abs(loss.item() - mean) <= 2e-5 * max(1.0, abs(mean)):
        raise AssertionError(f"{name} {list(z.shape)}: loss is {loss.item()}, expected {mean}")


# ---------------------------------------------------------------- timing


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def device_ms(calls):
    """By events on the device. A pause goes ahead of them, so that the device does not wait for Python to feed it."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    torch.cuda._sleep(20_000_000)
    start.record()
    calls()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end)


def wall_ms(device, calls):
    synchronize(device)
    start = time.perf_counter()
    calls()
    synchronize(device)
    return (time.perf_counter() - start) * 1e3


def timer(device, clock):
    return device_ms if clock == "timestamp" else lambda calls: wall_ms(device, calls)


def repeat(count, call):
    for i in range(count):
        call(i)


def model_bytes(rows, classes, phase):
    return (2 if phase == "value" else 3) * rows * classes * 4


def copy_of(device, size, buffers):
    """Reads and writes `size` bytes in all."""
    length = max(1, round(size / 8))
    sources = [torch.ones(length, device=device) for _ in range(buffers)]
    targets = [torch.empty(length, device=device) for _ in range(buffers)]
    return lambda i: targets[i % buffers].copy_(sources[i % buffers])


def quantile(samples, q):
    ordered = sorted(samples)
    position = q * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def large_copy(device, clock):
    """Bytes a millisecond."""
    size = 2**30 if device.type == "cuda" else 2**26
    copy = copy_of(device, size, 2)
    samples = [timer(device, clock)(lambda: repeat(4, copy)) / 4 for _ in range(9)]
    return size / statistics.median(samples[2:])


def calls_per_sample(device, call, sample_ms):
    for i in range(3):
        call(i)
    single = min(wall_ms(device, lambda: call(0)) for _ in range(3))
    # More launches than the driver's queue holds would let the device run dry in front of the clock.
    return max(1, min(100, int(sample_ms / max(single, 1e-3))))


def peak_extra_bytes(device, call):
    if device.type != "cuda":
        return None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call(0)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def kernels_launched(device, call):
    if device.type != "cuda":
        return None
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call(0)
        torch.cuda.synchronize()
    return sum(event.device_type == torch.autograd.DeviceType.CUDA for event in profile.events())


def make_inputs(device, rows, classes):
    pair_bytes = 8 * rows * classes
    cache_bytes = 2**28 if device.type == "cuda" else 2**26
    pairs = min(64, max(1, -(-cache_bytes // pair_bytes)))
    generator = torch.Generator(device=device).manual_seed(rows + classes)
    make = lambda: 3 * torch.randn(rows, classes, device=device, generator=generator)
    return [(make(), make()) for _ in range(pairs)]


def time_cell(device, clocks, workload, phase, peers, copies, effort, failures):
    rows, classes = workload["rows"], workload["classes"]
    inputs = make_inputs(device, rows, classes)
    calls, counts = {}, {}
    for name, run in peers.items():
        try:
            check(name, *inputs[0], *run(*inputs[0], phase))
        except (AssertionError, torch.cuda.OutOfMemoryError) as error:
            failures.append(f"{name} [{rows}, {classes}] {phase}: {error}")
            continue
        calls[name] = lambda i, run=run: run(*inputs[i % len(inputs)], phase)
        counts[name] = (kernels_launched(device, calls[name]), peak_extra_bytes(device, calls[name]))
    calls["copy"] = copy_of(device, model_bytes(rows, classes, phase), len(inputs))
    counts["copy"] = (None, None)
    repeats = {name: calls_per_sample(device, call, effort["sample_ms"]) for name, call in calls.items()}
    samples = {(name, clock): [] for name in calls for clock in clocks}
    start = time.perf_counter()
    turn = 0
    while len(samples["copy", clocks[0]]) < effort["most_rounds"]:
        if len(samples["copy", clocks[0]]) >= 5 and time.perf_counter() - start > effort["cell_s"]:
            break
        for name, call in calls.items():
            for clock in clocks:
                first = turn
                ms = timer(device, clock)(lambda: repeat(repeats[name], lambda i: call(first + i)))
                turn += repeats[name]
                samples[name, clock].append(ms / repeats[name])
    return list(make_rows(device, clocks, workload, phase, repeats, counts, samples, copies))


def make_rows(device, clocks, workload, phase, repeats, counts, samples, copies):
    rows, classes = workload["rows"], workload["classes"]
    size = model_bytes(rows, classes, phase)
    digits = lambda x: float(f"{x:.5g}")
    for clock in clocks:
        copy_ms = quantile(samples["copy", clock], 0.5)
        for name in repeats:
            times = samples[name, clock]
            median = quantile(times, 0.5)
            yield {
                "backend": device.type,
                "adapter": torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name(),
                "software": False,
                "workload": workload["name"],
                "rows": rows,
                "classes": classes,
                "phase": phase,
                "implementation": name,
                "clock": clock,
                "medianMs": digits(median),
                "p20Ms": digits(quantile(times, 0.2)),
                "p80Ms": digits(quantile(times, 0.8)),
                "samples": len(times),
                "callsPerSample": repeats[name],
                "gigabytesPerSecond": digits(size / median / 1e6),
                "shareOfCopy": digits(copy_ms / median),
                "shareOfLargeCopy": digits(size / median / copies[clock]),
                "kernels": counts[name][0],
                "peakExtraBytes": counts[name][1],
                "host": "python",
                "version": f"torch {torch.__version__}",
                "commit": f"triton {triton.__version__}" if triton else "no triton",
                "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }


def processor_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} threads"
    return "unknown processor"


# ---------------------------------------------------------------- command line


def read_workloads():
    for folder in (HERE, HERE.parent):
        file = folder / "workloads.json"
        if file.exists():
            return json.loads(file.read_text())
    raise FileNotFoundError("workloads.json: expected beside peers.py or in the folder above")


def chosen_workloads(options, device):
    workloads = read_workloads()
    if options.shape:
        shapes = [tuple(int(n) for n in shape.lower().split("x")) for shape in options.shape]
        known = {(w["rows"], w["classes"]): w for w in workloads}
        return [known.get(shape, {"name": "x".join(map(str, shape)), "rows": shape[0], "classes": shape[1]}) for shape in shapes]
    most = float("inf") if device.type == "cuda" else 2_200_000
    return [w for w in workloads if w["rows"] * w["classes"] <= most]


def compiled_peer(device):
    """torch.compile, where it finds the compilers that it needs."""
    run = with_autograd(torch.compile(torch_loss, dynamic=False))
    ((v, z),) = make_inputs(device, 1, 2)[:1]
    try:
        run(v, z, "value+gradient")
    except RuntimeError as error:
        lines = [line for line in str(error).splitlines() if "error" in line]
        print(f"torch-compile: absent: {lines[-1] if lines else error}", flush=True)
        return {}
    return {"torch-compile": run}


def all_peers(device):
    # A compiled function is compiled anew for each shape and phase; by default PyTorch gives up after eight.
    for limit in ("recompile_limit", "cache_size_limit", "accumulated_recompile_limit", "accumulated_cache_size_limit"):
        if hasattr(torch._dynamo.config, limit):
            setattr(torch._dynamo.config, limit, 1024)
    peers = {"torch-eager": with_autograd(torch_loss), **compiled_peer(device)}
    if triton is not None and (device.type == "cuda" or INTERPRETED):
        peers["triton"] = triton_loss
        peers.update(liger_peers())
    return peers


# Few and small: an interpreter reads every program of a Triton kernel line by line.
CHECKED_SHAPES = ((1, 2), (5, 10), (300, 10), (7, 100), (3, 1000), (4, 4097), (2, 33000), (1, 50257))


def check_all(device, peers):
    """Every peer, and every plan of the Triton kernel, on shapes that have tails."""
    for rows, classes in CHECKED_SHAPES:
        ((v, z),) = make_inputs(device, rows, classes)[:1]
        for phase in PHASES:
            for name, run in peers.items():
                check(name, v, z, *run(v, z, phase))
            for plan in triton_plans(rows, classes, 2) if "triton" in peers else ():
                check(f"triton {plan}", v, z, *run_triton_plan(plan, v, z, phase))
        print(f"[{rows}, {classes}] right: {', '.join(peers)}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", metavar="ROWSxCLASSES", help="may be repeated; default: all that fit")
    parser.add_argument("--impl", action="append", help="may be repeated; default: all that are installed")
    parser.add_argument("--phase", action="append", choices=PHASES, help="may be repeated; default: both")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", metavar="FILE", help="write the rows to this file")
    parser.add_argument("--check", action="store_true", help="check results and time nothing")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    return parser.parse_args()


def main():
    options = parse()
    device = torch.device(options.device)
    peers = {name: run for name, run in all_peers(device).items() if not options.impl or name in options.impl}
    if not peers:
        raise SystemExit(f"no such implementation here; there are {', '.join(all_peers(device))}")
    if options.check:
        return check_all(device, peers)
    if triton is not None and INTERPRETED:
        raise SystemExit("TRITON_INTERPRET=1 is for --check: an interpreted kernel's time means nothing")
    clocks = ["timestamp", "wall"] if device.type == "cuda" else ["wall"]
    copies = {clock: large_copy(device, clock) for clock in clocks}
    effort = {"sample_ms": 5, "most_rounds": 15, "cell_s": 0.5} if options.quick else {"sample_ms": 15, "most_rounds": 41, "cell_s": 2.5}
    rows, failures = [], []
    for workload in chosen_workloads(options, device):
        for phase in options.phase or PHASES:
            cell = time_cell(device, clocks, workload, phase, peers, copies, effort, failures)
            rows += cell
            shown = ", ".join(f"{r['implementation']} {r['medianMs']:.4g} ms ({r['shareOfLargeCopy']:.0%})" for r in cell if r["clock"] == clocks[0])
            print(f"[{workload['rows']}, {workload['classes']}] {phase}: {shown}", flush=True)
    if options.json:
        lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
        pathlib.Path(options.json).write_text(f"[\n{lines}\n]\n")
    if failures:
        raise SystemExit("\n".join(f"FAILED {failure}" for failure in failures))


if __name__ == "__main__":
    main()
