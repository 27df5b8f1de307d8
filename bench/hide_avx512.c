/* Preloaded into a program, hides AVX-512, AVX-VNNI and AMX from it: `./do bench --isa avx2` holds Ingot and its peers to AVX2 with it, each of which asks
 * the processor by the instruction CPUID and has no common switch. Linux lets a thread have that instruction fault (arch_prctl, ARCH_SET_CPUID); the
 * handler answers in its place. New threads inherit the setting, a new program starts without it and with this library again. Needs Intel's CPUID
 * faulting, the flag cpuid_fault of /proc/cpuinfo; leaves and bits: Intel's Software Developer's Manual, volume 2, CPUID.
 * SPDX-License-Identifier: Apache-2.0 */
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { SET_CPUID = 0x1012 };   // ARCH_SET_CPUID of asm/prctl.h, which clashes with the C library's headers

#define BIT(n) (1u << (n))
static const struct hidden {
  uint32_t leaf, subleaf, a, b, c, d;
} hidden[] = {
    {7, 0, 0, BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31),   // F, DQ, IFMA, PF, ER, CD, BW, VL
     BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14),                                            // VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ
     BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25)},                        // 4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16, FP16, AMX
    {7, 1, BIT(4) | BIT(5) | BIT(21) | BIT(23), 0, 0,                                          // AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA
     BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19)},                                            // AVX-VNNI-INT8, NE-CONVERT, AMX-COMPLEX, VNNI-INT16, AVX10
    {0xd, 0, BIT(5) | BIT(6) | BIT(7) | BIT(17) | BIT(18), 0, 0, 0},                           // the states of opmask, ZMM and tiles
};

static void on_fault(int number, siginfo_t *info, void *context) {
  (void)info;
  greg_t *const r = ((ucontext_t *)context)->uc_mcontext.gregs;
  const uint8_t *const code = (const uint8_t *)r[REG_RIP];
  if (code[0] != 0x0f || code[1] != 0xa2) {   // a fault of the program's own: it happens again, unhandled
    signal(number, SIG_DFL);
    return;
  }
  const uint32_t leaf = (uint32_t)r[REG_RAX], subleaf = (uint32_t)r[REG_RCX];
  uint32_t a, b, c, d;
  syscall(SYS_arch_prctl, SET_CPUID, 1);
  __cpuid_count(leaf, subleaf, a, b, c, d);
  syscall(SYS_arch_prctl, SET_CPUID, 0);
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
    if (hidden[i].leaf == leaf && hidden[i].subleaf == subleaf) {
      a &= ~hidden[i].a;
      b &= ~hidden[i].b;
      c &= ~hidden[i].c;
      d &= ~hidden[i].d;
    }
  r[REG_RAX] = a;
  r[REG_RBX] = b;
  r[REG_RCX] = c;
  r[REG_RDX] = d;
  r[REG_RIP] += 2;
}

__attribute__((constructor)) static void hide(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  if (sigaction(SIGSEGV, &action, NULL) || syscall(SYS_arch_prctl, SET_CPUID, 0)) {
    perror("hide_avx512: this processor or kernel cannot let CPUID fault");
    _exit(3);
  }
}
