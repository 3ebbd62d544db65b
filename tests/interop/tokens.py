"""Signed tokens: PyPI's pyjwt signs and checks, and so does the hub's `tidings token`.

Of tokens that are right, nearly right and wrong, `tidings token --show -` accepts exactly those that
pyjwt accepts and that are within the hub's rules, which are written out here a second time.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import random
import re
import subprocess
import sys
import time

import jwt

KEYS = ["d1cec0ded1cec0ded1cec0ded1cec0de" * 2, "another-key-of-thirty-two-letters"]
LEEWAY = 30
NAME = re.compile(r"[A-Za-z0-9._~-]{1,128}(\.\*)?|\*", re.A)


def encode(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def sign(header, payload, key, digest=hashlib.sha256):
    """A token of whatever bytes these are."""
    signed = encode(header) + "." + encode(payload)
    return signed + "." + encode(hmac.new(key.encode(), signed.encode(), digest).digest())


class Makes:
    """Tokens, from dice."""

    NAMES = ["news", "room.*", "room.7", "*", "a~b_c-d.e", "n" * 128, "n" * 128 + ".*"]
    WRONG = {
        "subscribe": ["news", None, {}, [1], [["a"]], ["a b"], [""], ["é"], ["a*"], ["n" * 129], 7],
        "publish": [True, "*", [None], ["**"], ["a.*.*"], [".*"]],
        "exp": [0, 1, -1, "9999999999", None, True, [], 253402300799, 253402300800, 1795222923000, 2**53, 2**64,
                10**40, 1e30, 1.5, -0.5],
        "nbf": [2**53 - 1, "1", False, {}, None, -7, 4e9],
        "iat": [2**53 - 1, "now", [1], None, -7.25, 2**63],
        "sub": [7, None, ["ann"], {}, True],
        "jti": [7, None, []],
        "iss": [7, None, ["joe"]],
        "aud": ["hub", ["hub"], [], "", None, 0],
    }
    HEADERS = [
        {"kid": "1"}, {"kid": ""}, {"kid": 7}, {"kid": None}, {"typ": "at+jwt"}, {"typ": 7},
        {"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": ["b64"], "b64": True}, {"b64": True},
        {"b64": False}, {"cty": "JWT"}, {"jwk": {"kty": "oct", "k": "AA"}}, {"alg": "none"},
        {"alg": "hs256"}, {"alg": None}, {"alg": ["HS256"]}, {"alg": "HS512"}, {"x": [[{}]]},
    ]
    # What writers of JSON don't write.
    TEXTS = [
        '{"exp":%d,"exp":%d}', '{"exp":1,"\\u0065xp":%d}', '{"subscribe":["a"],"subscribe":["a"]}',
        '{"exp":%d.999}', '{"exp":%de0}', '{"exp":0%d}', '{"exp":+%d}', '{"exp":%d.}', '{"x":NaN}',
        '{"x":Infinity}', '{"x":-Infinity}', '{"x":1e400}', '{"x":-0}', '{"x":01}', '{"x":.5}',
        '{"sub":"\\ud83d"}', '{"sub":"\\ude00\\ud83d"}', '{"sub":"\\ud83d\\ude00"}', "{'x':1}",
        '{"sub":"\t"}', '{"sub":"\\x41"}', '{"sub":"\\u00e9\\/"}', '{"x":1,}', "[]", "null", "", "{",
        "{}{}", '{"x":' + "[" * 7 + "]" * 7 + "}", '{"x":' + "[" * 8 + "]" * 8 + "}", ' {\r\n\t} ',
        '{"x":' + "[" * 900 + "]" * 900 + "}", "\ufeff{}", "{}\0", '{"\0":1}', '{"x":"\x7f"}', "{}\xa0",
        '{"x":1}//', '{"a":{"b":1,"b":2}}', '{"x":tru}', '{"\\u0061ud":"hub"}', '{"x":"%s"}' % ("y" * 2900),
    ]
    CHARACTERS = "AQgwZz019-_.=+/ \té"

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.now = int(time.time())
        self.texts = [text.replace("%d", str(self.now + 9000)) for text in self.TEXTS]

    def claims(self):
        dice, names = self.dice, lambda: self.dice.sample(self.NAMES, self.dice.randrange(4))
        all_of_them = {
            "subscribe": names(), "publish": names(),
            # Far from now, since this takes a while; but within what is given beforehand.
            "exp": self.now + dice.choice([3600, 10**6, 3600.75]),
            "nbf": self.now - dice.choice([0, 5, 3600, 0.5]),
            "iat": self.now - dice.choice([0, 3600]),
            "sub": dice.choice(["ann", "", "é\n\"\\", "🗞", "x" * 200]),
            "jti": "7", "iss": "joe", "more": {"aud": [1.5e3, None, {"exp": "never"}]},
        }
        return {name: all_of_them[name]
                for name in dice.sample(sorted(all_of_them), dice.randrange(len(all_of_them) + 1))}

    def token(self):
        dice = self.dice
        kind = dice.randrange(10)
        claims = self.claims()
        key = dice.choice(KEYS)
        if kind < 3:
            # As pyjwt makes it, but that it checks some types itself.
            return jwt.encode({k: v for k, v in claims.items() if k != "iss"}, key, "HS256")
        if kind == 3:
            wrong = dice.choice(sorted(self.WRONG))
            claims[wrong] = dice.choice(self.WRONG[wrong])
        if kind == 4:
            future = dice.choice([("exp", -3600), ("nbf", 3600), ("iat", 3600), ("exp", -60)])
            claims[future[0]] = self.now + future[1]
        header = {"alg": "HS256", "typ": "JWT"}
        if kind == 5:
            header.update(dice.choice(self.HEADERS))
        space = dice.choice([(",", ":"), (", ", " : "), (" ,\n", ":\t")])
        parts = [json.dumps(part, separators=space, ensure_ascii=dice.random() < 0.5).encode()
                 for part in (header, claims)]
        if kind == 6:
            parts[1] = dice.choice(self.texts).encode()
        if kind == 7:
            place = dice.randrange(2)
            parts[place] = self.spoil(parts[place].decode(), '"\\{}[],:0159eE.-+u \n\0é').encode()
        digest = hashlib.sha512 if kind == 8 and dice.random() < 0.1 else hashlib.sha256
        token = sign(*parts, key, digest)
        if kind == 8:
            token = dice.choice([
                token + "=", token + "A", token[:-1], token.rsplit(".", 1)[0] + ".", token + "." + token,
                sign(*parts, key[:-1]), token.replace(".", "=."), token.swapcase(), token,
                token.rsplit(".", 1)[0], "." + token, self.last_bits(token),
            ])
        if kind == 9:
            token = self.spoil(token, self.CHARACTERS)
        return token

    def spoil(self, text, characters):
        text = list(text)
        for _ in range(self.dice.randrange(1, 3)):
            at = self.dice.randrange(len(text) + 1)
            end = at + self.dice.randrange(3)
            text[at:end] = self.dice.choice([[], [self.dice.choice(characters)], text[at:end] * 2])
        return "".join(text)

    @staticmethod
    def last_bits(token):
        """The same signature, with bits set that no byte has."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return token[:-1] + alphabet[alphabet.index(token[-1]) | 1]


def accepts(token):
    """Whether pyjwt does, with the leeway of the hub: none for the end."""
    for key in KEYS:
        try:
            jwt.decode(token, key, ["HS256"], leeway=LEEWAY)
            jwt.decode(token, key, ["HS256"], options={"verify_nbf": False, "verify_iat": False})
            return True
        except jwt.InvalidTokenError:
            pass
        except RecursionError:
            return False
    return False


class OutOfRules(Exception):
    """What a rule of the hub is against."""


def need(condition):
    if not condition:
        raise OutOfRules


class Fraction(str):
    """A number that is not whole, as it is written."""


def once(pairs):
    need(len(dict(pairs)) == len(pairs))
    return dict(pairs)


def read(part):
    def constant(_):
        raise OutOfRules

    text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8")
    need(not text.startswith("\ufeff"))
    value = json.loads(text, object_pairs_hook=once, parse_constant=constant, parse_float=Fraction)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    need(isinstance(value, dict) and depth(value) <= 8)
    return value


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def check_date(value):
    if isinstance(value, Fraction):
        need("e" not in value.lower())
        value = int(value.split(".")[0])
    # In the year 9999 or before.
    need(type(value) is int and value < 253402300800)


def is_within_the_rules(token):
    try:
        need(len(token.encode()) <= 4096 and "=" not in token and token.count(".") == 2)
        header, claims = map(read, token.split(".")[:2])
        need(header.get("alg") == "HS256" and "crit" not in header and "b64" not in header)
        for text in [header.get(name, "") for name in ("typ", "kid")]:
            need(type(text) is str)
        for names in [claims.get(name, []) for name in ("subscribe", "publish")]:
            need(type(names) is list)
            need(all(type(name) is str and NAME.fullmatch(name) for name in names))
        for name in ("exp", "nbf", "iat"):
            check_date(claims.get(name, 0))
        for name in ("sub", "jti", "iss"):
            need(type(claims.get(name, "")) is str)
        need("aud" not in claims)
        return True
    except (OutOfRules, ValueError, RecursionError):
        return False


def changes(token, began, ended):
    """Whether the token begins or ends in this time, in which each reads it at another moment."""
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        moments = [int(claims[name]) - leeway for name, leeway in
                   (("exp", 0), ("nbf", LEEWAY), ("iat", LEEWAY)) if name in claims]
        return any(began - 1 <= moment <= ended + 1 for moment in moments)
    except (ValueError, TypeError, IndexError, RecursionError, OverflowError):
        return False


def show(hub, key_file, tokens):
    command = [hub, "token", "--show", "-", "--key-file", key_file]
    lines = "".join(token + "\n" for token in tokens).encode()
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = done.stdout.decode().splitlines()
    if done.returncode not in (0, 3) or len(said) != len(tokens):
        sys.exit(f"FAILED  tokens: {done.returncode}, {len(said)} lines: {done.stderr.decode()}")
    return said


def check_ours(hub, key_file, dice):
    """What pyjwt reads in a token of the hub's."""
    for _ in range(20):
        names = dice.sample(Makes.NAMES, 2)
        sub = dice.choice(["ann", "é\n\"\\ 🗞\u202e", ""])
        command = [hub, "token", "--key-file", key_file, f"--subscribe={names[0]}",
                   f"--publish={names[1]}", f"--sub={sub}", "--for=90s"]
        token = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        claims = jwt.decode(token, KEYS[0], ["HS256"])
        if (claims["exp"] - claims.pop("iat"), claims.pop("exp") > time.time()) != (90, True):
            sys.exit(f"FAILED  tokens: pyjwt finds other times in {token}")
        if claims != {"subscribe": names[:1], "publish": names[1:], "sub": sub}:
            sys.exit(f"FAILED  tokens: pyjwt reads {claims} in {token}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--hub", "--place"):
        parser.add_argument(name, required=True)
    parser.add_argument("--tokens", type=int, default=100_000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="which")
    options = parser.parse_args()
    key_file = os.path.join(options.place, "keys")
    with open(key_file, "w", encoding="ascii") as file:
        file.write("\n".join(KEYS) + "\n")
    makes = Makes(options.seed)
    check_ours(options.hub, key_file, makes.dice)
    # A line feed would make two lines of one token.
    tokens = [makes.token().replace("\n", "") for _ in range(options.tokens)]
    began = time.time()
    said = show(options.hub, key_file, tokens)
    between = time.time()
    theirs = [accepts(token) for token in tokens]
    ended = time.time()
    wrong = [(token, line, accepted) for token, line, accepted in zip(tokens, said, theirs)
             if (line == "ok") != (accepted and is_within_the_rules(token))
             and not changes(token, began, ended)]
    for token, line, accepted in wrong[:5]:
        print(f"FAILED  tokens: {line!r}, while pyjwt accepts {accepted}: {token!r}")
    good = said.count("ok")
    if wrong or not 0.2 < good / len(tokens) < 0.8:
        sys.exit(f"FAILED  tokens: {len(wrong)} of {len(tokens)}, {good} were accepted")
    print(f"passed  tokens and PyPI pyjwt {jwt.__version__}: of {len(tokens)}, {good} accepted by "
          f"both, {sum(theirs) - good} by pyjwt alone; {between - began:.1f} s and "
          f"{ended - between:.1f} s", flush=True)


if __name__ == "__main__":
    main()
