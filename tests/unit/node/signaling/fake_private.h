/** What fake_store.c and fake_users.c share. */
#ifndef TESTS_UNIT_NODE_SIGNALING_FAKE_PRIVATE_H
#define TESTS_UNIT_NODE_SIGNALING_FAKE_PRIVATE_H

#include "tests/unit/node/signaling/fake_store.h"

/* A new question, the last of the open ones. */
struct asked *fake_ask(struct store *, enum asked_kind, void *context);
/* It is open no more, before its answer makes the stories ask the next. */
struct asked fake_take(struct store *, struct asked *);
/* Puts it behind the question's text. */
void fake_describe(struct asked *, const char *format, ...) ATTR_PRINTF(2, 3);
/* The question's reply as JSON. */
void fake_describe_reply(struct asked *, struct slice reply);
struct asked *fake_ask_call(struct store *, enum asked_kind, const struct call_actor *, call_answer_fn *,
                            void *context);

/* fake_users.c, fake_presence.c and fake_heal.c: fake_err() for their questions. False: it is none of them. */
bool fake_users_err(const struct asked *, enum err);
bool fake_presence_err(const struct asked *, enum err);
bool fake_heal_err(const struct asked *, enum err);

#endif
