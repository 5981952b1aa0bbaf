"""Reads both key repositories as Keystone does, as its user."""

import base64
import keystone.conf
from keystone.common import fernet_utils

keystone.conf.configure()
keystone.conf.CONF(["--config-file", "/etc/keystone/keystone.conf"], project="keystone")
for group, keys in (("fernet_tokens", 2), ("credential", 2)):
    options = keystone.conf.CONF[group]
    repository = fernet_utils.FernetUtils(options.key_repository, 3, group)
    assert repository.validate_key_repository(), f"{options.key_repository} is no key repository"
    found = repository.load_keys()
    assert len(found) == keys, f"{options.key_repository} has {len(found)} keys"
    for key in found:
        assert len(base64.urlsafe_b64decode(key)) == 32, f"{options.key_repository} has a key of another length"
