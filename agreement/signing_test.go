package agreement

import (
	"crypto/elliptic"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/matching"
)

func TestSigning(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.agreed(s)
	h := w.handshake(id)
	waiting := s.owner.newDevice() // usable in a day only
	req := must(w.contracts.Signing(t.Context(), id, h, matching.Owner, s.owner.ID, w.clock.Now()))(t)
	if payload := must(unb64(req.Payload))(t); string(payload) != h.Contract || req.SHA256 != sum(payload) {
		t.Errorf("payload %s", payload)
	}
	if len(req.Headers) != 1 || req.Headers[0].Key != s.owner.thumbprint {
		t.Fatalf("headers %+v", req.Headers)
	}
	want := `{"alg":"ES256","kid":"` + s.owner.thumbprint + `","party":"` + s.ownerParty + `","role":"owner","shown":"2026-03-02T01:00:00Z","signer":"` + s.owner.ID + `","typ":"hezuo-agreement+jws"}`
	if req.Headers[0].Protected != want {
		t.Errorf("header\n%s\nnot\n%s", req.Headers[0].Protected, want)
	}
	w.clock.Add(23 * time.Hour)
	if req := must(w.contracts.Signing(t.Context(), id, h, matching.Owner, s.owner.ID, w.clock.Now().Add(time.Hour)))(t); len(req.Headers) != 2 || req.Headers[0].Key != waiting.thumbprint {
		t.Errorf("headers %+v", req.Headers)
	}
	w.sign(id, matching.Owner, s.owner)
	if _, err := w.contracts.Signing(t.Context(), id, w.handshake(id), matching.Owner, s.owner.ID, w.clock.Now()); !fault.Is(err, fault.Conflict) {
		t.Errorf("a side that has signed: %v", err)
	}
	w.sign(id, matching.Employer, s.employer)
	if _, err := w.contracts.Signing(t.Context(), id, w.handshake(id), matching.Owner, s.owner.ID, w.clock.Now()); !fault.Is(err, fault.Conflict) {
		t.Errorf("a handshake that is signed: %v", err)
	}
	if _, err := w.contracts.Signing(t.Context(), id, &matching.Handshake{State: matching.Negotiating}, matching.Owner, s.owner.ID, w.clock.Now()); !fault.Is(err, fault.Conflict) {
		t.Errorf("a handshake that is not agreed: %v", err)
	}
	w.follow(w.agreements)
	w.check()
}

func TestVerifyRefuses(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.agreed(s)
	h := w.handshake(id)
	now := w.clock.Now()
	payload := b64([]byte(h.Contract))
	me := s.owner
	header := func(change func(map[string]any)) string {
		m := map[string]any{
			"alg": "ES256", "kid": me.thumbprint, "party": s.ownerParty, "role": "owner",
			"shown": now.Format(time.RFC3339), "signer": me.ID, "typ": "hezuo-agreement+jws",
		}
		change(m)
		return b64(must(json.Marshal(m))(t)) // a map's keys are sorted
	}
	set := func(key string, v any) string { return header(func(m map[string]any) { m[key] = v }) }
	text := func(change func(string) string) string {
		return b64([]byte(change(string(must(unb64(header(func(map[string]any) {})))(t)))))
	}
	verify := func(protected, signature string, r matching.Role, person string) error {
		_, err := w.contracts.Verify(t.Context(), id, h, r, person, protected, signature, now)
		return err
	}
	good := header(func(map[string]any) {})
	goodSignature := me.sign(t, signingInput(good, payload))
	if err := verify(good, goodSignature, matching.Owner, me.ID); err != nil {
		t.Fatal(err)
	}

	for name, protected := range map[string]string{
		"another alg": set("alg", "ES384"), "no alg": set("alg", "none"), "another typ": set("typ", "JWT"),
		"crit": set("crit", []string{"exp"}), "b64": set("b64", false), "jwk": set("jwk", map[string]string{}), "unknown": set("x", 1),
		"the other role": set("role", "employer"), "no role": set("role", "operator"), "the other party": set("party", s.employerParty),
		"another signer": set("signer", s.employer.ID), "no key": set("kid", ""), "another's key": set("kid", s.employer.thumbprint),
		"an unknown key": set("kid", "nothing"), "a missing field": header(func(m map[string]any) { delete(m, "shown") }),
		"shown too long ago": set("shown", now.Add(-ShownBefore-time.Second).Format(time.RFC3339)),
		"shown too late":     set("shown", now.Add(ShownAfter+time.Second).Format(time.RFC3339)),
		"shown never":        set("shown", ""), "shown in other words": set("shown", "yesterday"), "shown without zone": set("shown", "2026-03-02T01:00:00"),
		"shown as a number": set("shown", now.Unix()),
		"a duplicate":       text(func(s string) string { return strings.Replace(s, `{`, `{"alg":"ES256",`, 1) }),
		"white space":       text(func(s string) string { return strings.Replace(s, `,`, `, `, 1) }),
		"another order": text(func(s string) string {
			return `{"typ":"hezuo-agreement+jws",` + strings.TrimPrefix(strings.TrimSuffix(s, `,"typ":"hezuo-agreement+jws"}`), `{`) + `}`
		}),
		"an escape":        text(func(s string) string { return strings.Replace(s, `ES256`, `ES25\u0036`, 1) }),
		"another case":     text(func(s string) string { return strings.Replace(s, `"alg"`, `"ALG"`, 1) }),
		"trailing data":    text(func(s string) string { return s + "{}" }),
		"padding":          good + "==",
		"a line break":     good[:20] + "\n" + good[20:],
		"not base64":       "{}",
		"nothing":          "",
		"too much":         b64([]byte(strings.Repeat("a", maxHeader+1))),
		"a spare low bit":  b64([]byte(`{}`))[:2] + "1",
		"the header twice": good + good,
	} {
		err := verify(protected, me.sign(t, signingInput(protected, payload)), matching.Owner, me.ID)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "protected") {
			t.Errorf("%s: %v", name, err)
		}
	}

	raw := must(unb64(goodSignature))(t)
	der := append([]byte{0x30, 68, 2, 32}, append(append([]byte{}, raw[:32]...), append([]byte{2, 32}, raw[32:]...)...)...)
	for name, signature := range map[string]string{
		"nothing": "", "another's": s.employer.sign(t, signingInput(good, payload)), "over another payload": me.sign(t, signingInput(good, payload+"A")),
		"over the payload alone": me.sign(t, []byte(payload)), "DER": b64(der), "zeros": b64(make([]byte, 64)), "short": b64(raw[:63]), "long": b64(append(raw, 0)),
		"padded": goodSignature + "==", "a line break": goodSignature[:9] + "\r\n" + goodSignature[9:],
	} {
		if err := verify(good, signature, matching.Owner, me.ID); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "signature") {
			t.Errorf("signature %s: %v", name, err)
		}
	}
	if err := verify(good, goodSignature, matching.Employer, me.ID); !fault.Is(err, fault.Invalid) {
		t.Errorf("for the other side: %v", err)
	}
	if err := verify(good, goodSignature, matching.Owner, s.employer.ID); !fault.Is(err, fault.Invalid) {
		t.Errorf("by another person: %v", err)
	}
	other := *h
	other.Job = "another"
	if _, err := w.contracts.Verify(t.Context(), id, &other, matching.Owner, me.ID, good, goodSignature, now); !fault.Is(err, fault.Internal) {
		t.Errorf("under a contract of another job: %v", err)
	}
	if _, err := w.contracts.Verify(t.Context(), "another", h, matching.Owner, me.ID, good, goodSignature, now); !fault.Is(err, fault.Internal) {
		t.Errorf("under a contract of another handshake: %v", err)
	}
}

// A key that waits, and one that is revoked, sign nothing.
func TestVerifyAsksForALiveKey(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.agreed(s)
	first := s.owner.device
	waiting := s.owner.newDevice()
	event := func(d device) matching.Event {
		header := must(canonical(Header{
			Algorithm: algorithm, Key: d.thumbprint, Party: s.ownerParty, Role: matching.Owner,
			Shown: w.clock.Now().Format(time.RFC3339), Signer: s.owner.ID, Type: headerType,
		}))(t)
		return matching.Event{Protected: b64(header), Signature: d.sign(t, signingInput(b64(header), b64([]byte(w.handshake(id).Contract))))}
	}
	sign := func(d device) error {
		_, err := w.handshakes.Sign(t.Context(), s.owner.caller(), w.cmd(s.owner.ID), id, event(d))
		return err
	}
	if err := sign(waiting); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a key that waits: %v", err)
	}
	if err := w.people.RevokeKey(t.Context(), w.cmd(s.owner.ID), s.owner.principal, first.thumbprint, "lost"); err != nil {
		t.Fatal(err)
	}
	if err := sign(first); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a key that is revoked: %v", err)
	}
	if got := w.handshake(id); got.Owner.Signed != nil {
		t.Error("it is signed all the same")
	}
	w.clock.Add(23*time.Hour + 59*time.Minute) // the signing ends after a day
	s.owner.device = waiting
	if err := sign(waiting); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a key that waits, a minute before its time: %v", err)
	}
	w.check()
}

// The other solution of an ECDSA signature verifies too, and is another file: the
// countersignature covers the bytes of the first.
func TestOtherSolution(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	it := w.concluded(s)
	f := must(decode[File](must(it.Doc.file(nil))(t), maxFile))(t)
	raw := must(unb64(f.Signatures[0].Signature))(t)
	n := elliptic.P256().Params().N
	new(big.Int).Sub(n, new(big.Int).SetBytes(raw[32:])).FillBytes(raw[32:])
	f.Signatures[0].Signature = b64(raw)
	if err := verifyES256(f.Bindings[0].Key, signingInput(f.Signatures[0].Protected, f.Payload), f.Signatures[0].Signature); err != nil {
		t.Fatalf("it is no solution: %v", err)
	}
	if r := VerifyFile(must(canonical(f))(t), must(w.agreements.PlatformJWKS(t.Context()))(t)); r.OK {
		t.Error("the file is taken")
	}
}
