import pytest

from payments import crypto

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32


def test_what_was_sealed_opens_in_its_own_place_only():
    sealed = crypto.encrypt("till_test_geheim ✓", context="api_key:1")
    assert crypto.decrypt(sealed, context="api_key:1") == "till_test_geheim ✓"
    with pytest.raises(crypto.Undecryptable):
        crypto.decrypt(sealed, context="api_key:2")


def test_ciphertexts_of_one_secret_differ_and_do_not_show_it():
    first, second = (crypto.encrypt("secret", context="c") for _ in range(2))
    assert first != second
    assert b"secret" not in first + second


def test_the_first_key_encrypts_and_every_listed_key_opens(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    sealed = crypto.encrypt("secret", context="c")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert crypto.decrypt(sealed, context="c") == "secret"
    resealed = crypto.encrypt("secret", context="c")
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert crypto.decrypt(resealed, context="c") == "secret"


def test_without_its_key_a_ciphertext_stays_closed_and_the_error_tells_no_secret(settings):
    sealed = crypto.encrypt("geheim", context="api_key:1")
    settings.FIELD_ENCRYPTION_KEYS = [OTHER]
    with pytest.raises(crypto.Undecryptable, match="api_key:1") as refused:
        crypto.decrypt(sealed, context="api_key:1")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-1], lambda c: c[:5], lambda c: b"", lambda c: c[:-1] + bytes([c[-1] ^ 1])]
)
def test_a_damaged_ciphertext_stays_closed(spoil):
    with pytest.raises(crypto.Undecryptable):
        crypto.decrypt(spoil(crypto.encrypt("secret", context="c")), context="c")


def test_databases_give_bytes_in_a_view():
    assert crypto.decrypt(memoryview(crypto.encrypt("secret", context="c")), context="c") == "secret"


def test_a_hash_depends_on_the_servers_pepper(settings):
    before = crypto.peppered(b"secret")
    assert before == crypto.peppered(b"secret") != crypto.peppered(b"Secret")
    settings.API_KEY_PEPPER = "another-pepper-of-thirty-two-characters"
    assert crypto.peppered(b"secret") != before


@pytest.mark.parametrize(("left", "right", "equal"), [(b"a", b"a", True), (b"a", b"b", False), (b"", b"a", False)])
def test_comparison_takes_bytes_of_any_length(left, right, equal):
    assert crypto.same(left, right) is equal
