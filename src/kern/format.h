/* Layouts as data: how a tensor of known logical dims lies in memory. Never a name, so that any runtime can unpack any engine's weights.
 *
 * Physical order is the list of parts, outermost first. Each part walks one logical axis in steps of the product of the later (inner) parts of the
 * same axis; its extent is `extent`, or, where extent is 0, as many as cover the axis (the last inner block padded with zeros).
 * Example: weights [K, N] as panels of 16 columns: parts {N,0} {K,0} {N,16}. Plain row-major = no parts.
 *
 * A transform derives another tensor, which the parts then lay out; its plain source follows it, row-major and unchanged, so that unpacking is exact.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_FORMAT_H
#define IG_KERN_FORMAT_H
#include "base/util.h"

#define IG_FORMAT_PARTS 12
/* WINOGRAD_4X4, _2X2: float32 [O, C, 3, 3] becomes G w G', [O, C, 6, 6] or [O, C, 4, 4] (kern/winograd.h); computed in double, rounded once.
 * WINOGRAD_INT_4X4, _2X2: int8 [O, C, 3, 3] becomes the same with the integer G, in 16-bit integers, little-endian; its plain source follows in bytes. */
enum { IG_TRANSFORM_NONE = 0, IG_TRANSFORM_WINOGRAD_4X4 = 1, IG_TRANSFORM_WINOGRAD_2X2 = 2, IG_TRANSFORM_WINOGRAD_INT_4X4 = 3, IG_TRANSFORM_WINOGRAD_INT_2X2 = 4 };
/* On disk as it is: 56 bytes. */
typedef struct ig_format { uint8_t n_parts; uint8_t reserved; uint16_t transform; uint8_t axis[IG_FORMAT_PARTS]; uint16_t extent[IG_FORMAT_PARTS]; uint32_t reserved2[4]; } ig_format;

bool ig_format_is_plain(const ig_format *f);
bool ig_format_equal(const ig_format *a, const ig_format *b);
/* Well-formed for this rank: axes < rank, every axis covered exactly once by a part of extent 0, sizes do not overflow, a known transform that takes
 * tensors of this rank. */
IG_MUST_USE ig_status ig_format_check(const ig_format *f, uint32_t rank);
/* The transform takes elements of this type. */
bool ig_format_takes(const ig_format *f, ig_dtype dtype);
/* Elements (of the source's size) that the packed form takes, padding and a transform's source included; false on overflow and where the transform does
 * not take these dims. */
bool ig_format_count(const ig_format *f, const int64_t *dims, uint32_t rank, int64_t *out);
/* src: any strides (elements); dst: packed. elem = bytes per element (1, 2, 4, 8). */
void ig_format_pack(const ig_format *f, const int64_t *dims, uint32_t rank, const void *src, const int64_t *src_strides, void *dst, size_t elem);
void ig_format_unpack(const ig_format *f, const int64_t *dims, uint32_t rank, const void *src, void *dst, const int64_t *dst_strides, size_t elem);
#endif
