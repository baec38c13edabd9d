/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft.c - nfnetlink: lists of messages sent at once, what comes back, and what a refusal means.
 *
 * A transaction is
 *
 *   nlmsghdr NFNL_MSG_BATCH_BEGIN   nfgenmsg { AF_UNSPEC, 0, res_id = NFNL_SUBSYS_NFTABLES }
 *     NFNL_BATCH_GENID              u32, the generation of the ruleset that the changes were thought out for
 *   nlmsghdr NFT_MSG_*              nfgenmsg { family }: of several families, if need be
 *   ...
 *   nlmsghdr NFNL_MSG_BATCH_END
 *
 * The kernel works while sendmsg(2) runs: when it returns all answers are queued.  A transaction has answers only when it
 * failed, one an error; so an empty queue is success, and nothing needs to be waited for.  A question has exactly one
 * answer: the object, or an error.
 */
#include "nft.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"

#define ANSWER_SIZE (64U * 1024) /* a dump's answers come in pieces of at most 32 KiB */
#define PIECE_SIZE 2048U /* the answer to a question is one object, or an error: below 1 KiB */
#define PIECES (ANSWER_SIZE / PIECE_SIZE)
#define LIST_SIZE (32U * 1024) /* holds both tables; grows for the elements of many networks */
#define SEND_SIZE (64U * 1024) /* a list of this size fits any socket's buffer: the default is 208 KiB */

struct kvn_nft {
	int fd;
	uint32_t seq; /* of the last message */
	uint32_t first; /* seq of the list's first message */
	char *list; /* messages, each padded to NLMSG_ALIGNTO */
	size_t len; /* bytes before the last message */
	size_t size; /* bytes allocated */
	struct nlmsghdr *last; /* message being filled, at list + len; NULL: none */
	bool is_short; /* of memory: the list is not whole */
	struct kvn_nft_note note;
	_Alignas(NLMSG_ALIGNTO) char answer[ANSWER_SIZE];
};

int kvn_nft_open(struct kvn_nft **ret, struct kvn_error *err)
{
	struct kvn_nft *nft = malloc(sizeof(*nft));
	int one = 1;

	if (!nft)
		return kvn_fail_errno(err, ENOMEM, "nftables");
	memset(nft, 0, offsetof(struct kvn_nft, answer));
	nft->size = LIST_SIZE;
	nft->list = calloc(1, nft->size); /* attributes are padded with what is there */
	nft->fd = nft->list ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER) : -1;
	if (nft->fd < 0) {
		int code = nft->list ? errno : ENOMEM;

		free(nft->list);
		free(nft);
		if (code == EPROTONOSUPPORT)
			return kvn_fail(err, code, "this kernel has no nf_tables: load module nf_tables");
		return kvn_fail_errno(err, code, "cannot open an nfnetlink socket");
	}
	/* Without these a kernel says less in its errors, that is all. */
	(void)setsockopt(nft->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(nft->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	*ret = nft;
	return 0;
}

void kvn_nft_close(struct kvn_nft *nft)
{
	if (!nft)
		return;
	(void)close(nft->fd); /* nothing was left to send */
	free(nft->list);
	free(nft);
}

struct kvn_nft_note *kvn_nft_note(struct kvn_nft *nft)
{
	return &nft->note;
}

/* ---- attributes ---- */

void kvn_nft_sort_attrs(const struct nlmsghdr *hdr, size_t skip, const struct nlattr **ret, size_t n)
{
	const char *end = mnl_nlmsg_get_payload_tail(hdr);
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(hdr, skip);

	memset(ret, 0, n * sizeof(*ret));
	for (; mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr))
		if (mnl_attr_get_type(attr) < n)
			ret[mnl_attr_get_type(attr)] = attr;
}

const struct nlattr *kvn_nft_next_attr(const struct nlattr *nest, const struct nlattr *attr)
{
	const char *end = (const char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest);

	attr = attr ? mnl_attr_next(attr) : mnl_attr_get_payload(nest);
	return mnl_attr_ok(attr, (int)(end - (const char *)attr)) ? attr : NULL;
}

bool kvn_nft_read_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (!attr || mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return false;
	*ret = ntohl(mnl_attr_get_u32(attr));
	return true;
}

/* ---- the list of messages ---- */

void kvn_nft_no_memory(struct kvn_nft *nft)
{
	nft->is_short = true;
}

static void close_message(struct kvn_nft *nft)
{
	if (nft->last)
		nft->len += MNL_ALIGN(nft->last->nlmsg_len);
	nft->last = NULL;
}

/* Append a message with the header that all of nfnetlink has. */
static struct nlmsghdr *append(struct kvn_nft *nft, uint16_t type, uint8_t family, uint16_t resource, uint16_t flags)
{
	struct nfgenmsg *general;

	close_message(nft);
	if (nft->size - nft->len < 2 * KVN_NFT_ROOM) {
		char *grown = realloc(nft->list, 2 * nft->size);

		if (grown) {
			memset(grown + nft->size, 0, nft->size);
			nft->list = grown;
			nft->size *= 2;
		} else { /* go on from the start: nobody will see it */
			nft->is_short = true;
			nft->len = 0;
		}
	}
	nft->last = mnl_nlmsg_put_header(nft->list + nft->len);
	nft->last->nlmsg_type = type;
	nft->last->nlmsg_flags = NLM_F_REQUEST | flags;
	nft->last->nlmsg_seq = ++nft->seq;
	general = mnl_nlmsg_put_extra_header(nft->last, sizeof(*general));
	general->nfgen_family = family;
	general->version = NFNETLINK_V0;
	general->res_id = htons(resource);
	return nft->last;
}

struct nlmsghdr *kvn_nft_message(struct kvn_nft *nft, uint16_t type, uint8_t family, uint16_t flags)
{
	return append(nft, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), family, 0, flags);
}

void kvn_nft_begin_questions(struct kvn_nft *nft)
{
	nft->len = 0;
	nft->last = NULL;
	nft->is_short = false;
	nft->first = nft->seq + 1;
}

void kvn_nft_begin_transaction(struct kvn_nft *nft, uint32_t generation)
{
	struct nlmsghdr *hdr;

	kvn_nft_begin_questions(nft);
	hdr = append(nft, NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0);
	if (generation)
		mnl_attr_put_u32(hdr, NFNL_BATCH_GENID, htonl(generation));
}

void kvn_nft_get_generation(struct kvn_nft *nft)
{
	(void)kvn_nft_message(nft, NFT_MSG_GETGEN, AF_UNSPEC, 0); /* has no attributes */
}

void kvn_nft_get_table(struct kvn_nft *nft, const struct kvn_nft_table *table)
{
	mnl_attr_put_strz(kvn_nft_message(nft, NFT_MSG_GETTABLE, table->family, 0), NFTA_TABLE_NAME, table->name);
}

void kvn_nft_get_chain(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_chain *chain)
{
	struct nlmsghdr *hdr = kvn_nft_message(nft, NFT_MSG_GETCHAIN, table->family, 0);

	mnl_attr_put_strz(hdr, NFTA_CHAIN_TABLE, table->name);
	mnl_attr_put_strz(hdr, NFTA_CHAIN_NAME, chain->name);
}

/* ---- refusals ---- */

/* The message of the list that has @seq, NULL: none. */
static const struct nlmsghdr *find_message(const struct kvn_nft *nft, uint32_t seq)
{
	const struct nlmsghdr *hdr = (const struct nlmsghdr *)nft->list;
	int left = (int)nft->len;

	for (; mnl_nlmsg_ok(hdr, left); hdr = mnl_nlmsg_next(hdr, &left))
		if (hdr->nlmsg_seq == seq)
			return hdr;
	return NULL;
}

/* What the list's message @hdr was to do: "add rule to chain 'forward'". */
static void describe(const struct nlmsghdr *hdr, char *text, size_t size)
{
	static const struct {
		uint16_t type, attr;
		const char *verb;
	} kinds[] = {
		{NFT_MSG_NEWTABLE, NFTA_TABLE_NAME, "add table"},
		{NFT_MSG_DELTABLE, NFTA_TABLE_NAME, "delete table"},
		{NFT_MSG_NEWCHAIN, NFTA_CHAIN_NAME, "add chain"},
		{NFT_MSG_NEWSET, NFTA_SET_NAME, "add set"},
		{NFT_MSG_NEWRULE, NFTA_RULE_CHAIN, "add a rule to chain"},
		{NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET, "add to set"},
		{NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET, "delete from set"},
		{NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_SET, "read set"},
	};
	const struct nlattr *attrs[8]; /* none of the above is beyond */

	(void)snprintf(text, size, "nftables");
	for (size_t i = 0; hdr && i < ARRAY_SIZE(kinds); i++) {
		if (hdr->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | kinds[i].type))
			continue;
		kvn_nft_sort_attrs(hdr, sizeof(struct nfgenmsg), attrs, ARRAY_SIZE(attrs));
		if (attrs[kinds[i].attr])
			(void)snprintf(text, size, "cannot %s '%s'", kinds[i].verb,
				       mnl_attr_get_str(attrs[kinds[i].attr]));
	}
}

/* The expression that the kernel points at in the rule @hdr, @offset bytes from its start; NULL: at none. */
static const char *find_expression(const struct nlmsghdr *hdr, uint32_t offset)
{
	const struct nlattr *attrs[NFTA_RULE_EXPRESSIONS + 1], *list;

	if (!hdr || hdr->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		return NULL;
	kvn_nft_sort_attrs(hdr, sizeof(struct nfgenmsg), attrs, ARRAY_SIZE(attrs));
	list = attrs[NFTA_RULE_EXPRESSIONS];
	for (const struct nlattr *expr = list ? kvn_nft_next_attr(list, NULL) : NULL; expr;
	     expr = kvn_nft_next_attr(list, expr)) {
		uint32_t start = (uint32_t)((const char *)expr - (const char *)hdr);
		const struct nlattr *name = kvn_nft_next_attr(expr, NULL); /* libnftnl puts NFTA_EXPR_NAME first */

		if (name && offset >= start && offset < start + mnl_attr_get_len(expr))
			return mnl_attr_get_str(name);
	}
	return NULL;
}

struct extended_ack {
	const char *words; /* NULL: none */
	uint32_t offset; /* of the attribute that it is about, from the message's start; 0: none */
};

static struct extended_ack read_extended_ack(const struct nlmsghdr *hdr)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(hdr);
	const struct nlattr *attrs[NLMSGERR_ATTR_OFFS + 1];
	struct extended_ack ack = {0};
	size_t skip = sizeof(*answer);

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return ack;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += MNL_ALIGN(answer->msg.nlmsg_len) - sizeof(answer->msg);
	kvn_nft_sort_attrs(hdr, skip, attrs, ARRAY_SIZE(attrs));
	if (attrs[NLMSGERR_ATTR_MSG] && mnl_attr_validate(attrs[NLMSGERR_ATTR_MSG], MNL_TYPE_NUL_STRING) >= 0)
		ack.words = mnl_attr_get_str(attrs[NLMSGERR_ATTR_MSG]);
	if (attrs[NLMSGERR_ATTR_OFFS] && mnl_attr_validate(attrs[NLMSGERR_ATTR_OFFS], MNL_TYPE_U32) >= 0)
		ack.offset = mnl_attr_get_u32(attrs[NLMSGERR_ATTR_OFFS]); /* host byte order */
	return ack;
}

static int refuse(const struct kvn_nft *nft, const struct nlmsghdr *hdr, int code, struct kvn_error *err)
{
	const struct nlmsghdr *message = find_message(nft, hdr->nlmsg_seq);
	struct extended_ack ack = read_extended_ack(hdr);
	const char *expression = ack.offset ? find_expression(message, ack.offset) : NULL;
	bool is_first = hdr->nlmsg_seq == nft->first;
	char what[96];

	describe(message, what, sizeof(what));
	if (is_first && code == EPERM)
		return kvn_fail(err, code, "nftables: %s (needs CAP_NET_ADMIN: run as root)", strerror(code));
	if (is_first && (code == EINVAL || code == EOPNOTSUPP || code == EPROTONOSUPPORT))
		return kvn_fail(err, EPROTONOSUPPORT, "this kernel has no nf_tables: load module nf_tables");
	if (code == EPERM)
		return kvn_fail(err, code, "%s: another program owns the table", what);
	if (expression && (code == ENOENT || code == EOPNOTSUPP))
		return kvn_fail(err, EPROTONOSUPPORT, "%s: this kernel has no nftables '%s': load module nft_%s", what,
				expression, expression);
	if (ack.words)
		return kvn_fail(err, code, "%s: %s (kernel: %s)", what, strerror(code), ack.words);
	return kvn_fail_errno(err, code, "%s", what);
}

/* ---- send and receive ---- */

static int send_list(struct kvn_nft *nft, struct kvn_error *err)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int size;

	close_message(nft);
	if (nft->is_short || nft->len > INT32_MAX / 4)
		return kvn_fail_errno(err, ENOMEM, "nftables");
	size = (int)nft->len * 2;
	if (nft->len > SEND_SIZE && setsockopt(nft->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		/* Without the privilege the host's limit holds; sendto() tells. */
		(void)setsockopt(nft->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (sendto(nft->fd, nft->list, nft->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		if (errno != EINTR)
			return kvn_fail_errno(err, errno, "nftables: cannot send %zu bytes", nft->len);
	return 0;
}

/* The next piece of what is queued; its length, or 0 when there is no more, or a negative errno. */
static ssize_t receive(struct kvn_nft *nft, struct kvn_error *err)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = nft->answer, .iov_len = sizeof(nft->answer)};
		struct msghdr packet = {
			.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n = recvmsg(nft->fd, &packet, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kvn_fail_errno(err, errno, "nftables");
		if (packet.msg_flags & MSG_TRUNC)
			return kvn_fail(err, EMSGSIZE, "nftables: an answer of more than %u bytes", ANSWER_SIZE);
		if (from.nl_pid == 0 && n > 0) /* from the kernel, nobody else */
			return n;
	}
}

/* The positive errno in an error or at a dump's end, 0: none. */
static int answer_code(const struct nlmsghdr *hdr)
{
	int code = 0;

	if ((hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE) &&
	    mnl_nlmsg_get_payload_len(hdr) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(hdr), sizeof(code));
	return -code;
}

/* As many answers as are queued, each in its piece of the buffer and its length in @ret_len; how many, or a negative
 * errno.  One call for all: there are thirty of them, and a call costs as much as an answer. */
static int receive_pieces(struct kvn_nft *nft, unsigned ret_len[static PIECES], struct kvn_error *err)
{
	struct sockaddr_nl from[PIECES];
	struct mmsghdr packets[PIECES];
	struct iovec iov[PIECES];
	int n;

	for (unsigned i = 0; i < PIECES; i++) {
		iov[i] = (struct iovec){.iov_base = nft->answer + (size_t)i * PIECE_SIZE, .iov_len = PIECE_SIZE};
		packets[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &iov[i], .msg_iovlen = 1};
	}
	do
		n = recvmmsg(nft->fd, packets, PIECES, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return kvn_fail_errno(err, errno == EAGAIN ? EIO : errno, "nftables: no answer");
	for (int i = 0; i < n; i++) {
		if (packets[i].msg_hdr.msg_flags & MSG_TRUNC)
			return kvn_fail(err, EMSGSIZE, "nftables: an answer of more than %u bytes", PIECE_SIZE);
		ret_len[i] = from[i].nl_pid == 0 ? packets[i].msg_len : 0; /* from the kernel, nobody else */
	}
	return n;
}

int kvn_nft_ask(struct kvn_nft *nft, kvn_nft_answer *answer, void *arg, struct kvn_error *err)
{
	unsigned n_open = nft->seq + 1 - nft->first, len[PIECES];
	int r = send_list(nft, err);

	while (r == 0 && n_open > 0) {
		int n = receive_pieces(nft, len, err);

		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			const struct nlmsghdr *hdr = (const struct nlmsghdr *)(nft->answer + (size_t)i * PIECE_SIZE);
			unsigned index;
			int code;

			if (!mnl_nlmsg_ok(hdr, (int)len[i]) || hdr->nlmsg_seq - nft->first > nft->seq - nft->first)
				continue; /* a leftover of a list that was given up */
			n_open--;
			index = hdr->nlmsg_seq - nft->first;
			code = answer_code(hdr);
			/* A foreign set of the same name may have keys of another size: EINVAL, so ours is not there. */
			if (code && code != ENOENT && (code != EINVAL || index == 0))
				return refuse(nft, hdr, code, err);
			if (hdr->nlmsg_type != NLMSG_ERROR)
				answer(hdr, index, arg);
		}
	}
	return r;
}

int kvn_nft_commit(struct kvn_nft *nft, struct kvn_error *err)
{
	int r;

	(void)append(nft, NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0); /* has no attributes */
	r = send_list(nft, err);
	for (bool is_done = r < 0; !is_done;) {
		const struct nlmsghdr *hdr = (const struct nlmsghdr *)nft->answer;
		/* More errors than the queue holds come as ENOBUFS before the first: which is still the one to tell. */
		ssize_t n = receive(nft, r == 0 ? err : NULL);
		int left = (int)n;

		is_done = n == 0 || (n < 0 && n != -ENOBUFS);
		if (n < 0 && r == 0)
			r = (int)n;
		for (; n > 0 && mnl_nlmsg_ok(hdr, left); hdr = mnl_nlmsg_next(hdr, &left)) {
			int code = hdr->nlmsg_seq - nft->first <= nft->seq - nft->first ? answer_code(hdr) : 0;

			if (code && (r == 0 || r == -ENOBUFS))
				r = refuse(nft, hdr, code, err);
		}
	}
	return r;
}

int kvn_nft_dump(struct kvn_nft *nft, kvn_nft_answer *answer, void *arg, struct kvn_error *err)
{
	bool is_interrupted = false;
	int r = send_list(nft, err);

	while (r == 0) {
		const struct nlmsghdr *hdr = (const struct nlmsghdr *)nft->answer;
		ssize_t n = receive(nft, err);
		int left = (int)n, code;

		if (n <= 0)
			return n < 0 ? (int)n : kvn_fail(err, EIO, "nftables: a dump ended early");
		for (; mnl_nlmsg_ok(hdr, left); hdr = mnl_nlmsg_next(hdr, &left)) {
			if (hdr->nlmsg_seq != nft->seq)
				continue; /* a leftover of a list that was given up */
			is_interrupted = is_interrupted || (hdr->nlmsg_flags & NLM_F_DUMP_INTR);
			code = answer_code(hdr);
			if (code && code != ENOENT && code != EINTR)
				return refuse(nft, hdr, code, err);
			if (hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE)
				return is_interrupted || code == EINTR ? -EINTR : 0;
			answer(hdr, 0, arg);
		}
	}
	return r;
}
