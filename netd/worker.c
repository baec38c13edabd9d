/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker.c - a few threads that do what may wait, each with a context and sockets of its own. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "cleanup.h"
#include "netd.h"

struct thread {
	pthread_t id;
	atomic_int tid;
	struct kvn *kvn;
	struct workers *workers;
};

struct queue {
	struct job *first, *last;
};

struct workers {
	struct netd *netd;
	pthread_mutex_t lock;
	pthread_cond_t is_wanted;
	struct queue queued, finished; /* under the lock */
	bool is_over; /* likewise */
	int event_fd; /* tells the main thread that something is finished */
	sd_event_source *source;
	struct thread *threads;
	unsigned n;
};

static void push(struct queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->last)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
}

static struct job *pop(struct queue *queue)
{
	struct job *job = queue->first;

	if (job)
		queue->first = job->next;
	if (!queue->first)
		queue->last = NULL;
	return job;
}

static struct job *next_job(struct workers *workers)
{
	struct job *job;

	(void)pthread_mutex_lock(&workers->lock);
	while (!workers->is_over && !workers->queued.first)
		(void)pthread_cond_wait(&workers->is_wanted, &workers->lock);
	job = workers->is_over ? NULL : pop(&workers->queued);
	(void)pthread_mutex_unlock(&workers->lock);
	return job;
}

static void *work(void *arg)
{
	struct thread *thread = arg;
	struct workers *workers = thread->workers;
	const uint64_t one = 1;
	struct job *job;

	atomic_store(&thread->tid, (int)syscall(SYS_gettid));
	while ((job = next_job(workers))) {
		job->run(thread->kvn, job);
		(void)pthread_mutex_lock(&workers->lock);
		push(&workers->finished, job);
		(void)pthread_mutex_unlock(&workers->lock);
		(void)!write(workers->event_fd, &one, sizeof(one)); /* full only when there is news already */
	}
	return NULL;
}

static int on_finished(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct workers *workers = arg;
	uint64_t count;

	(void)source;
	(void)revents;
	(void)!read(fd, &count, sizeof(count)); /* nothing there: told twice */
	for (;;) {
		struct job *job;

		(void)pthread_mutex_lock(&workers->lock);
		job = pop(&workers->finished);
		(void)pthread_mutex_unlock(&workers->lock);
		if (!job)
			return 0;
		job->done(workers->netd, job);
	}
}

static int start(struct workers *workers, unsigned n, struct kvn_error *err)
{
	sigset_t all, before;
	int r = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
	for (; workers->n < n; workers->n++) {
		struct thread *thread = &workers->threads[workers->n];

		thread->workers = workers;
		r = kvn_open(&thread->kvn, err);
		if (r < 0)
			break;
		kvn_remote_forgo(thread->kvn);
		r = -pthread_create(&thread->id, NULL, work, thread);
		if (r < 0) {
			kvn_close(thread->kvn);
			(void)kvn_fail_errno(err, -r, "cannot start a thread");
			break;
		}
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int workers_open(struct netd *netd, unsigned n, struct workers **ret, struct kvn_error *err)
{
	struct workers *workers = calloc(1, sizeof(*workers));
	int r;

	if (!workers)
		return kvn_fail_errno(err, ENOMEM, "workers");
	workers->netd = netd;
	(void)pthread_mutex_init(&workers->lock, NULL);
	(void)pthread_cond_init(&workers->is_wanted, NULL);
	workers->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	workers->threads = calloc(n, sizeof(*workers->threads));
	if (workers->event_fd < 0 || !workers->threads) {
		r = kvn_fail_errno(err, workers->threads ? errno : ENOMEM, "workers");
		workers_close(workers);
		return r;
	}
	r = sd_event_add_io(netd->event, &workers->source, workers->event_fd, EPOLLIN, on_finished, workers);
	r = r < 0 ? kvn_fail_errno(err, -r, "workers") : start(workers, n, err);
	if (r < 0) {
		workers_close(workers);
		return r;
	}
	*ret = workers;
	return 0;
}

void workers_add(struct workers *workers, struct job *job)
{
	(void)pthread_mutex_lock(&workers->lock);
	push(&workers->queued, job);
	(void)pthread_cond_signal(&workers->is_wanted);
	(void)pthread_mutex_unlock(&workers->lock);
}

bool workers_have(const struct workers *workers, pid_t tid)
{
	for (unsigned i = 0; i < workers->n; i++)
		if (atomic_load(&workers->threads[i].tid) == tid)
			return true;
	return false;
}

void workers_close(struct workers *workers)
{
	if (!workers)
		return;
	(void)pthread_mutex_lock(&workers->lock);
	workers->is_over = true;
	(void)pthread_cond_broadcast(&workers->is_wanted);
	(void)pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->n; i++) {
		(void)pthread_join(workers->threads[i].id, NULL);
		kvn_close(workers->threads[i].kvn);
	}
	sd_event_source_unref(workers->source);
	kvn_cleanup_close(&workers->event_fd);
	free(workers->threads);
	free(workers); /* what was queued or finished goes with the process */
}
