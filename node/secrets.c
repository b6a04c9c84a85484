#include "node/secrets.h"

#include "node/config.h"

static enum err load_keys(const struct config *config, struct slice dev_key, struct keyring *keys, struct why why)
{
    for (const char *const *spec = config->jwt_key; *spec; spec++) {
        enum err err = keyring_add(keys, slice_of(*spec), why);
        if (err != ERR_OK)
            return err;
    }
    return dev_key.n ? keyring_add_secret(keys, (struct slice){0}, dev_key, why) : ERR_OK;
}

enum err secrets_load(const struct config *config, struct slice dev_key, struct secrets *ret_secrets, struct why why)
{
    struct secrets s = {.keys = keyring_create()};
    enum err err = load_keys(config, dev_key, s.keys, why);
    if (err == ERR_OK && config->ice_config)
        err = ice_config_load(config->ice_config, &s.ice, why);
    else if (err == ERR_OK)
        s.ice = ice_config_none();
    if (err != ERR_OK) {
        secrets_finish(&s);
        return err;
    }
    *ret_secrets = s;
    return ERR_OK;
}

void secrets_finish(struct secrets *s)
{
    keyring_destroy(s->keys);
    ice_config_destroy(s->ice);
    *s = (struct secrets){0};
}
