/* The section table, from sections.def. SPDX-License-Identifier: Apache-2.0 */
#include "plan/layout.h"

#define TAG4(s) ((uint32_t)(uint8_t)(s)[0] | (uint32_t)(uint8_t)(s)[1] << 8 | (uint32_t)(uint8_t)(s)[2] << 16 | (uint32_t)(uint8_t)(s)[3] << 24)
const ig_section_info ig_section_infos[IG_N_SECTIONS] = {
#define IG_SECTION(tag, type, member, flags) { TAG4(tag), sizeof(type), flags, offsetof(ig_plan_data, member), offsetof(ig_plan_data, n_##member), tag },
#include "plan/sections.def"
#undef IG_SECTION
};
_Static_assert(sizeof(ig_file_header) == 64 && sizeof(ig_file_section) == 48, "on-disk sizes");
_Static_assert(sizeof(ig_dim_node) == 24 && sizeof(ig_sinsn) == 24 && sizeof(ig_operand) == 88 && sizeof(ig_format) == 56, "on-disk sizes");
_Static_assert(sizeof(ig_plan_blob) == 24 + 8 + 64 + 56, "on-disk sizes");
