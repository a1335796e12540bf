package identity

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"hezuo/fault"
	"hezuo/store"
)

// forge signs claims with the house's own key, after a change.
func (w *world) forge(change func(header map[string]any, c *claims)) string {
	w.t.Helper()
	tokens := w.signIn(phoneA)
	key, err := w.s.signingKey(w.ctx)
	w.must(err)
	now := w.clock.Now()
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: tokens.Person, Audience: jwt.ClaimStrings{"hezuo"},
			ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)), IssuedAt: jwt.NewNumericDate(now),
		},
		Session: tokens.Session,
	}
	t := jwt.New(jwt.SigningMethodEdDSA)
	t.Header["kid"] = key.id
	change(t.Header, &c)
	t.Claims = c
	text, err := t.SignedString(key.private)
	w.must(err)
	return text
}

func TestForgeryIsGoodUnchanged(t *testing.T) {
	w := newWorld(t)
	_, err := w.s.Authenticate(w.ctx, w.forge(func(map[string]any, *claims) {}))
	w.must(err)
}

func TestAuthenticateRefuses(t *testing.T) {
	tests := map[string]func(w *world) string{
		"empty":    func(*world) string { return "" },
		"no token": func(*world) string { return "a.b.c" },
		"alg none": func(w *world) string {
			return resign(w.signIn(phoneA).Access, `{"alg":"none","typ":"JWT"}`, func(string) []byte { return nil })
		},
		"alg none, with kid": func(w *world) string {
			key, _ := w.s.signingKey(w.ctx)
			return resign(w.signIn(phoneA).Access, `{"alg":"none","kid":"`+key.id+`"}`, func(string) []byte { return nil })
		},
		"alg HS256 with the public key": func(w *world) string {
			key, _ := w.s.signingKey(w.ctx)
			public, _ := key.private.Public().(ed25519.PublicKey)
			return resign(w.signIn(phoneA).Access, `{"alg":"HS256","kid":"`+key.id+`"}`, func(text string) []byte {
				mac := hmac.New(sha256.New, public)
				mac.Write([]byte(text))
				return mac.Sum(nil)
			})
		},
		"alg ES256": func(w *world) string {
			key, _ := w.s.signingKey(w.ctx)
			pair := newPair(w.t)
			return resign(w.signIn(phoneA).Access, `{"alg":"ES256","kid":"`+key.id+`"}`, func(text string) []byte {
				sig, _ := base64.RawURLEncoding.DecodeString(pair.sign(w.t, []byte(text)))
				return sig
			})
		},
		"another house's key": func(w *world) string {
			key, _ := w.s.signingKey(w.ctx)
			private := ed25519.NewKeyFromSeed(make([]byte, 32))
			return resign(w.signIn(phoneA).Access, `{"alg":"EdDSA","kid":"`+key.id+`"}`, func(text string) []byte {
				return ed25519.Sign(private, []byte(text))
			})
		},
		"changed payload": func(w *world) string {
			parts := strings.Split(w.signIn(phoneA).Access, ".")
			other := strings.Split(w.signIn(phoneB).Access, ".")
			return parts[0] + "." + other[1] + "." + parts[2]
		},
		"a ticket": func(w *world) string {
			ticket, err := w.s.Ticket(w.ctx, w.principal(phoneA), w.clock.Now())
			w.must(err)
			return ticket
		},
		"a refresh token": func(w *world) string { return w.signIn(phoneA).Refresh },
		"no kid":          func(w *world) string { return w.forge(func(h map[string]any, _ *claims) { delete(h, "kid") }) },
		"wrong kid":       func(w *world) string { return w.forge(func(h map[string]any, _ *claims) { h["kid"] = "other" }) },
		"kid no string":   func(w *world) string { return w.forge(func(h map[string]any, _ *claims) { h["kid"] = 1 }) },
		"no issuer":       func(w *world) string { return w.forge(func(_ map[string]any, c *claims) { c.Issuer = "" }) },
		"wrong issuer":    func(w *world) string { return w.forge(func(_ map[string]any, c *claims) { c.Issuer += "/" }) },
		"no audience":     func(w *world) string { return w.forge(func(_ map[string]any, c *claims) { c.Audience = nil }) },
		"wrong audience": func(w *world) string {
			return w.forge(func(_ map[string]any, c *claims) { c.Audience = jwt.ClaimStrings{"hezuo/socket"} })
		},
		"no end": func(w *world) string { return w.forge(func(_ map[string]any, c *claims) { c.ExpiresAt = nil }) },
		"over": func(w *world) string {
			return w.forge(func(_ map[string]any, c *claims) { c.ExpiresAt = jwt.NewNumericDate(w.clock.Now()) })
		},
		"no session":        func(w *world) string { return w.forge(func(_ map[string]any, c *claims) { c.Session = "" }) },
		"another's session": func(w *world) string { return w.forge(func(_ map[string]any, c *claims) { c.Subject = "p" }) },
		"after 15 minutes": func(w *world) string {
			access := w.signIn(phoneA).Access
			w.clock.move(15 * time.Minute)
			return access
		},
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.s.Authenticate(w.ctx, token(w))
			w.want(err, fault.Unauthenticated)
			w.check()
		})
	}
}

// resign gives a token another header and signature.
func resign(token, header string, sign func(text string) []byte) string {
	parts := strings.Split(token, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(header)) + "." + parts[1]
	return text + "." + b64(sign(text))
}

func TestAccessToken(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	if want := w.clock.Now().Add(15 * time.Minute); !tokens.AccessExpires.Equal(want) {
		t.Errorf("expires %v, want %v", tokens.AccessExpires, want)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.Access, ".")[1])
	w.must(err)
	var got map[string]any
	w.must(json.Unmarshal(payload, &got))
	for claim, want := range map[string]any{"iss": issuer, "sub": tokens.Person, "sid": tokens.Session} {
		if got[claim] != want {
			t.Errorf("%s is %v, want %v", claim, got[claim], want)
		}
	}
	w.clock.move(15*time.Minute - time.Second)
	p, err := w.s.Authenticate(w.ctx, tokens.Access)
	w.must(err)
	if p.Person != tokens.Person || p.Session != tokens.Session || len(p.Roles) != 0 {
		t.Errorf("got %+v", p)
	}
}

// A store that does not answer is no bad token.
func TestAuthenticateTellsFailureFromRefusal(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	w.db.failed = store.ErrClosed
	_, err := w.s.Authenticate(w.ctx, tokens.Access)
	w.want(err, fault.Unavailable)
	w.clock.move(ringAge) // the keys are read again
	_, err = w.s.Authenticate(w.ctx, tokens.Access)
	w.want(err, fault.Unavailable)
	if !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v", err)
	}
	w.db.failed = nil
	_, err = w.s.Authenticate(w.ctx, tokens.Access)
	w.must(err)
}
