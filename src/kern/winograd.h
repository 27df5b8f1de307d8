/* Winograd's convolution of 3x3 windows, F(4x4, 3x3) and F(2x2, 3x3): the points of interpolation and what they give.
 *
 * A tile of 6x6 (4x4) inputs d and a kernel g give 4x4 (2x2) outputs A' [(G g G') . (B' d B)] A: 36 products for 144 in the plain sum, 16 for 36. The
 * float32 points are 0, a, -a, b, -b and infinity with a = sqrt(1/2), b = sqrt(2): of the symmetric sets the one whose rounding error is least
 * (docs/numerics.md), and a b = 1 saves products. For 2x2 they are 0, 1, -1 and infinity. Everybody takes the numbers from here: the packer of weights
 * (format.c) and the kernels.
 *
 * For 8-bit integers the points are 0, 1, -1, 2, -2 and infinity, and the rows of G are multiplied by what makes them whole: products and sums are then
 * integers, and what comes out is 576 (4 for 2x2) times the plain sum, exactly. It is computed modulo 2^32; the odd factor is divided out by
 * its inverse, the power of two by a shift, which is right as long as the plain sum times that power fits 32 bits.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_WINOGRAD_H
#define IG_KERN_WINOGRAD_H
enum { IG_WINOGRAD_KERNEL = 3, IG_WINOGRAD_MOST_IN = 6 };
#define IG_WINOGRAD_A 0.70710678118654752440   /* a; a^2 = 1/2, a^3 = a / 2 */
#define IG_WINOGRAD_B 1.41421356237309504880   /* b; b^2 = 2, b^3 = 2 b */
/* G, rows by point. */
#define IG_WINOGRAD_G4 { { 1, 0, 0 }, \
  { -2.0 / 3, -2.0 / 3 * IG_WINOGRAD_A, -1.0 / 3 }, { -2.0 / 3, 2.0 / 3 * IG_WINOGRAD_A, -1.0 / 3 }, \
  { 1.0 / 6, 1.0 / 6 * IG_WINOGRAD_B, 1.0 / 3 }, { 1.0 / 6, -1.0 / 6 * IG_WINOGRAD_B, 1.0 / 3 }, { 0, 0, 1 } }
#define IG_WINOGRAD_INT_G4 { { 3, 0, 0 }, { 1, 1, 1 }, { 1, -1, 1 }, { 1, 2, 4 }, { 1, -2, 4 }, { 0, 0, 3 } }
#define IG_WINOGRAD_INT_G2 { { 1, 0, 0 }, { 1, 1, 1 }, { 1, -1, 1 }, { 0, 0, 1 } }
enum { IG_WINOGRAD_ODD4 = 9, IG_WINOGRAD_SHIFT4 = 6, IG_WINOGRAD_ODD2 = 1, IG_WINOGRAD_SHIFT2 = 2 };   /* 576 = 9 * 2^6; 4 = 2^2 */
#define IG_WINOGRAD_G2 { { 1, 0, 0 }, { 0.5, 0.5, 0.5 }, { 0.5, -0.5, 0.5 }, { 0, 0, 1 } }
#endif
