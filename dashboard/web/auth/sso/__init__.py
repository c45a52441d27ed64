"""Single sign-on by OpenID Connect: the provider, its claims, and linked identities.

The sign-in library's own flow is not used. It skips the signature of ID tokens, accepts any truthy
`email_verified`, lets the URL request linking (`process=connect`), and fails with a server error on
a response that is not JSON. Its identity tables, its pending sign-in states and its second factor
are used.

    claims.py      the provider's claims, parsed
    tokens.py      ID tokens: algorithm, key, issuer, audience, time, nonce
    wire.py        one request to the provider, bounded in time and size
    provider.py    the provider's endpoints; exchange of a code for an identity
    group_roles.py roles by the provider's groups
    identities.py  whose an identity is; linking and removing
    flow.py        the pages on the way there and back
"""
