package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"hezuo/fault"
)

func TestParseDeviceKey(t *testing.T) {
	good := newPair(t)
	var jwk map[string]any
	if err := json.Unmarshal(good.jwk, &jwk); err != nil {
		t.Fatal(err)
	}
	with := func(changes map[string]any) string {
		out := map[string]any{}
		for k, v := range jwk {
			out[k] = v
		}
		for k, v := range changes {
			out[k] = v
			if v == nil {
				delete(out, k)
			}
		}
		b, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	d := make([]byte, 32)
	d[31] = 1
	private, err := good.private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := p384.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"empty":           "",
		"no JSON":         "{",
		"null":            "null",
		"no object":       `"key"`,
		"private":         with(map[string]any{"d": b64(private)}),
		"private, wrong":  with(map[string]any{"d": b64(d)}),
		"private, short":  with(map[string]any{"d": "AQ"}),
		"another point":   with(map[string]any{"x": b64(make([]byte, 32))}),
		"infinity":        with(map[string]any{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))}),
		"short x":         with(map[string]any{"x": "AQ"}),
		"no y":            with(map[string]any{"y": nil}),
		"x no base64":     with(map[string]any{"x": "*"}),
		"swapped":         with(map[string]any{"x": jwk["y"], "y": jwk["x"]}),
		"P-384's name":    with(map[string]any{"crv": "P-384"}),
		"P-384":           with(map[string]any{"crv": "P-384", "x": b64(point[1:49]), "y": b64(point[49:])}),
		"no curve":        with(map[string]any{"crv": nil}),
		"another type":    with(map[string]any{"kty": "RSA"}),
		"symmetric":       `{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		"Ed25519":         `{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `"}`,
		"RSA":             `{"kty":"RSA","e":"AQAB","n":"` + b64(bytes.Repeat([]byte{255}, 256)) + `"}`,
		"longer than any": with(map[string]any{"pad": strings.Repeat("x", 5000)}),
	} {
		if _, _, err := ParseDeviceKey([]byte(bad)); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), b64(private)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	key, thumbprint, err := ParseDeviceKey(good.jwk)
	if err != nil || thumbprint != good.thumbprint {
		t.Fatalf("got %s, %v", thumbprint, err)
	}
	if public, err := key.ECDSA(); err != nil || !public.Equal(&good.private.PublicKey) {
		t.Errorf("another key, %v", err)
	}
}

func TestVerifyES256(t *testing.T) {
	key, data := newPair(t), []byte("data")
	sig := key.sign(t, data)
	if err := VerifyES256(&key.private.PublicKey, data, sig); err != nil {
		t.Fatal(err)
	}
	other := newPair(t)
	zero := base64.RawURLEncoding.EncodeToString(make([]byte, 64))
	raw, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"other data": VerifyES256(&key.private.PublicKey, []byte("date"), sig),
		"other key":  VerifyES256(&other.private.PublicKey, data, sig),
		"empty":      VerifyES256(&key.private.PublicKey, data, ""),
		"zero":       VerifyES256(&key.private.PublicKey, data, zero),
		"padded":     VerifyES256(&key.private.PublicKey, data, sig+"=="),
		"std base64": VerifyES256(&key.private.PublicKey, data, base64.StdEncoding.EncodeToString(raw)),
		"longer":     VerifyES256(&key.private.PublicKey, data, base64.RawURLEncoding.EncodeToString(append(raw, 0))),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
