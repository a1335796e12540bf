package agreement

import (
	"context"
	"errors"
	"slices"
	"time"

	"hezuo/fault"
	"hezuo/matching"
)

// Request is what a client needs to sign: it shows the contract, then signs
// protected + "." + payload with the device's key.
type Request struct {
	Payload string      `json:"payload"` // base64url of the contract's canonical bytes
	SHA256  string      `json:"sha256"`  // of those bytes, hex
	Headers []Suggested `json:"headers"` // one for each key that the signer can sign with now, newest first
}

// Suggested is the protected header for one of the signer's keys. Its bytes are to
// be used as they are.
type Suggested struct {
	Key       string `json:"kid"`
	Protected string `json:"protected"` // the header's JSON; base64url of it goes into the signature
}

// Signing gives what a person needs to sign for a side. The time shown in it is
// now: a signature that comes [ShownBefore] later is too late, and the contract is
// to be shown again. The caller has decided that the person acts for the side.
//
// Errors: [fault.Conflict] when there is nothing to sign.
func (s *Contracts) Signing(ctx context.Context, id string, h *matching.Handshake, r matching.Role, person string, now time.Time) (Request, error) {
	if h.State != matching.Agreed || h.Contract == "" {
		return Request{}, fault.New(fault.Conflict, "a handshake that is %s has nothing to sign", h.State)
	}
	if signatureOf(h, r) != nil {
		return Request{}, fault.New(fault.Conflict, "this side has signed already")
	}
	if _, err := fits(h.Contract, id, h); err != nil {
		return Request{}, fault.New(fault.Internal, "a contract that cannot be signed").Wrap(err)
	}
	p, err := s.cfg.Keys.Get(ctx, person)
	if err != nil {
		return Request{}, err
	}
	req := Request{Payload: b64([]byte(h.Contract)), SHA256: sum([]byte(h.Contract)), Headers: []Suggested{}}
	for _, d := range slices.Backward(p.Devices) {
		if now.Before(d.ActiveFrom) || !d.Revoked.IsZero() {
			continue
		}
		b, err := canonical(Header{
			Algorithm: algorithm, Key: d.Thumbprint, Party: partyOf(h, r), Role: r,
			Shown: now.UTC().Format(time.RFC3339), Signer: person, Type: headerType,
		})
		if err != nil {
			return Request{}, err
		}
		req.Headers = append(req.Headers, Suggested{d.Thumbprint, string(b)})
	}
	return req, nil
}

// signatureOf gives a side's signature; nil before.
func signatureOf(h *matching.Handshake, r matching.Role) *matching.Signature {
	if r == matching.Employer {
		return h.Employer.Signed
	}
	return h.Owner.Signed
}

// Verify implements [matching.Contract]: it checks a person's signature for a side
// under the handshake's contract, made with a key of theirs that is usable now.
//
// Errors: [fault.Invalid] faults on "protected" and "signature"; [fault.Forbidden]
// for a key that is revoked or not usable yet; [fault.Internal] where the contract
// itself is not right.
func (s *Contracts) Verify(ctx context.Context, id string, h *matching.Handshake, r matching.Role, person, protected, signature string, now time.Time) (matching.Signature, error) {
	none := matching.Signature{}
	if _, err := fits(h.Contract, id, h); err != nil {
		return none, fault.New(fault.Internal, "a contract that cannot be signed").Wrap(err)
	}
	header, err := parseHeader(protected)
	if err == nil {
		err = header.names(r, partyOf(h, r), person)
	}
	if err == nil {
		err = header.shownAt(now)
	}
	if err != nil {
		return none, inField(err, "protected", "show the contract again, and use a protected header as it is given, without a change")
	}
	_, b, err := s.cfg.Keys.KeyAt(ctx, person, header.Key, now)
	if fault.Is(err, fault.NotFound) {
		return none, fault.Field("protected", "its kid is no device key of yours", "register this device's key first, or sign with one that is registered")
	}
	if err != nil {
		return none, err
	}
	if err := verifySignature(h.Contract, header, protected, signature, bindingOf(b)); err != nil {
		return none, inField(err, "signature", "sign protected + \".\" + payload with the key that kid names, ES256, r and s in base64url")
	}
	return matching.Signature{Protected: protected, Signature: signature, Key: header.Key, Act: matching.Act{By: person, At: now.UTC()}}, nil
}

// verifySignature checks a signature with the key of a binding.
func verifySignature(contract string, header Header, protected, signature string, b Binding) error {
	if err := b.check(); err != nil {
		return err
	}
	if b.Thumbprint != header.Key || b.Person != header.Signer {
		return flaw("密钥不属于签名人", "the key is not the signer's")
	}
	return verifyES256(b.Key, signingInput(protected, b64([]byte(contract))), signature)
}

// names refuses a header that is for another side, party or person.
func (h *Header) names(r matching.Role, party, person string) error {
	switch {
	case h.Role != r:
		return flaw("签名头的角色与签名的一方不符", "the header's role is not the side that signs")
	case h.Party != party:
		return flaw("签名头的当事方与签名的一方不符", "the header's party is not the one on this side")
	case h.Signer != person:
		return flaw("签名头的签名人不是本人", "the header's signer is not who signs")
	}
	return nil
}

// inField makes a fault on an input field of what is wrong with it.
func inField(err error, field, fix string) error {
	var f *Flaw
	if errors.As(err, &f) {
		return fault.Field(field, f.En, fix).Wrap(err)
	}
	return err
}
