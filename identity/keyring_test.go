package identity

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"hezuo/fault"
)

func (w *world) kids(s *Service) []string {
	w.t.Helper()
	set, err := s.JWKS(w.ctx)
	w.must(err)
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
	}
	return kids
}

func TestNodesThatStartAtOnceShareTheKey(t *testing.T) {
	w := newWorld(t)
	if a, b := w.kids(w.s), w.kids(w.node()); !slices.Equal(a, b) || len(a) != 1 {
		t.Errorf("%v and %v", a, b)
	}
	// In a store that is new.
	it, err := w.s.keys.Get(w.ctx, ringID)
	w.must(err)
	fresh := newWorld(t)
	_ = it
	nodes := make([]*Service, 4)
	for _, err := range race(len(nodes), func(i int) error {
		s := &Service{cfg: fresh.s.cfg, keys: fresh.s.keys}
		nodes[i] = s
		return s.firstKey(fresh.ctx)
	}) {
		fresh.must(err)
	}
	for _, n := range nodes {
		if !slices.Equal(fresh.kids(n), fresh.kids(fresh.s)) {
			t.Error("two first keys")
		}
	}
	fresh.check()
}

func TestRotation(t *testing.T) {
	w := newWorld(t)
	other := w.node()
	first := w.kids(other)
	before := w.signIn(phoneA)
	cmd := command(w, "system:test")
	w.must(w.s.RotateKeys(w.ctx, cmd))
	w.must(w.s.RotateKeys(w.ctx, cmd)) // a repeat
	if kids := w.kids(w.s); len(kids) != 2 || kids[1] != first[0] {
		t.Fatalf("published %v after %v", kids, first)
	}
	after := w.signIn(phoneA)
	// The other node has the old copy, and learns of the new key by seeing it.
	w.clock.move(ringRetry)
	_, err := other.Authenticate(w.ctx, after.Access)
	w.must(err)
	_, err = other.Authenticate(w.ctx, before.Access)
	w.must(err)
	// The replaced key has no private part any more.
	it, err := w.s.keys.Get(w.ctx, ringID)
	w.must(err)
	if it.Doc.Keys[1].Private != "" || it.Doc.Keys[0].Private == "" {
		t.Error("the wrong key can sign")
	}
	// After everything that it signed is over it is not good for anything.
	w.clock.move(15*time.Minute + 2*ringAge)
	if kids := w.kids(other); len(kids) != 1 || kids[0] == first[0] {
		t.Errorf("published %v", kids)
	}
	w.must(w.s.RotateKeys(w.ctx, command(w, "system:test")))
	it, err = w.s.keys.Get(w.ctx, ringID)
	w.must(err)
	if len(it.Doc.Keys) != 2 {
		t.Errorf("%d keys are kept", len(it.Doc.Keys))
	}
	if acts := w.trail("token_keys", ringID); !slices.Equal(acts, []string{"token_keys.first", "token_keys.rotate", "token_keys.rotate"}) {
		t.Errorf("trail %v", acts)
	}
	w.check()
}

// A node that has not heard of a rotation signs with the old key for as long as
// its copy is young; what it signs is good to its end, everywhere.
func TestTokensOfANodeThatIsBehind(t *testing.T) {
	w := newWorld(t)
	behind := w.node()
	p := w.principal(phoneA)
	_, _, err := behind.accessToken(w.ctx, w.clock.Now(), p)
	w.must(err)
	w.must(w.s.RotateKeys(w.ctx, command(w, "system:test")))
	w.clock.move(ringAge - time.Second)
	token, _, err := behind.accessToken(w.ctx, w.clock.Now(), p)
	w.must(err)
	w.clock.move(15*time.Minute - time.Second)
	_, err = w.s.Authenticate(w.ctx, token)
	w.must(err)
	if w.kids(behind)[0] != w.kids(w.s)[0] {
		t.Error("still behind")
	}
}

// Forged key ids do not make a node read the store each time.
func TestUnknownKeysAreNotAskedForAtWill(t *testing.T) {
	w := newWorld(t)
	forged := w.forge(func(h map[string]any, _ *claims) { h["kid"] = "forged" })
	w.clock.move(2 * ringRetry)
	w.db.take()
	for range 50 {
		_, err := w.s.Authenticate(w.ctx, forged)
		w.want(err, fault.Unauthenticated)
	}
	// The document, and nothing else: its private part is opened from memory.
	if ops := w.db.take(); len(ops) != 1 {
		t.Errorf("asked the store for %v", ops)
	}
}

func TestJWKS(t *testing.T) {
	w := newWorld(t)
	set, err := w.s.JWKS(w.ctx)
	w.must(err)
	text, err := json.Marshal(set)
	w.must(err)
	var members struct{ Keys []map[string]any }
	w.must(json.Unmarshal(text, &members))
	if _, private := members.Keys[0]["d"]; private {
		t.Error("the private part is published")
	}
	// Another library reads it and verifies by it.
	var read jose.JSONWebKeySet
	w.must(json.Unmarshal(text, &read))
	key, ok := read.Keys[0].Key.(ed25519.PublicKey)
	if !ok || !read.Keys[0].Valid() || !read.Keys[0].IsPublic() {
		t.Fatalf("got %+v", read)
	}
	parts := strings.Split(w.signIn(phoneA).Access, ".")
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	w.must(err)
	w.must(jwt.SigningMethodEdDSA.Verify(parts[0]+"."+parts[1], sig, key))
}

func TestTwoNodesOverOneStore(t *testing.T) {
	w := newWorld(t)
	other := w.node()
	_, err := other.SendCode(w.ctx, w.cmd(), phoneA, address)
	w.must(err)
	tokens, err := w.s.SignIn(w.ctx, w.cmd(), phoneA, w.phones.last().Code, laptop)
	w.must(err)
	tokens, err = other.Refresh(w.ctx, w.cmd(), tokens.Refresh, laptop)
	w.must(err)
	p, err := w.s.Authenticate(w.ctx, tokens.Access)
	w.must(err)
	w.must(other.SignOut(w.ctx, w.cmd(), p))
	_, err = w.s.Authenticate(w.ctx, tokens.Access)
	w.want(err, fault.Unauthenticated)
	w.check()
}
