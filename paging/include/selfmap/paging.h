/* SPDX-License-Identifier: MIT */
/*
 * paging.h - all of the core's headers.
 */
#ifndef SELFMAP_PAGING_H
#define SELFMAP_PAGING_H

#include <selfmap/check_access.h>
#include <selfmap/clone.h>
#include <selfmap/find_hole.h>
#include <selfmap/flush_list.h>
#include <selfmap/for_each.h>
#include <selfmap/gather.h>
#include <selfmap/guarded_load.h>
#include <selfmap/list.h>
#include <selfmap/map.h>
#include <selfmap/processor.h>
#include <selfmap/processor_access.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/test_and_clear.h>
#include <selfmap/translate.h>
#include <selfmap/version.h>
#include <selfmap/window.h>

#endif
