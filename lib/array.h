/* SPDX-License-Identifier: GPL-2.0-or-later */
/* array.h - arrays that grow by one element at a time. */
#ifndef KVN_ARRAY_H
#define KVN_ARRAY_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool kvn_array_grow(void *array, size_t n, size_t *size, size_t element)
{
	size_t wanted = *size ? 2 * *size : 16;
	void *items, *grown;

	if (n < *size)
		return true;
	memcpy(&items, array, sizeof(items));
	grown = reallocarray(items, wanted, element);
	if (!grown)
		return false;
	memcpy(array, &grown, sizeof(grown));
	*size = wanted;
	return true;
}

/* Room for an @n-th element (from 0) in the array that the pointer @items leads to and that has room for @size of them.
 * False: no memory; the array is as it was. */
#define KVN_ARRAY_ROOM(items, n, size) kvn_array_grow(&(items), (n), &(size), sizeof(*(items)))

#endif
