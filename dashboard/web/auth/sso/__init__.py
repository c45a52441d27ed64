"""Single sign-on by OpenID Connect: the provider, what it says of people, and whom it opens.

The sign-in library's own flow is not used. It skips the signature of ID tokens, believes
`email_verified` by its truthiness, lets the address ask for joining (`process=connect`), and an
answer that is no JSON is a page of ours that breaks. Its tables of identities, its states of
pending sign-ins and its second factor are used.

    claims.py      what a provider says, parsed
    tokens.py      ID tokens: algorithm, key, issuer, audience, time, nonce
    wire.py        one request to the provider, bounded in time and size
    provider.py    the provider's addresses; a code becomes an identity
    identities.py  whose an identity is; joining and removing
    flow.py        the pages on the way there and back
"""
