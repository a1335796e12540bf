package agreement

import (
	"context"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
)

const fileType = "hezuo.agreement-file"

// Extension ends the name of an agreement's file.
const Extension = ".hezuo.json"

// File is an agreement as it is handed out: canonical JSON (RFC 8785) of exactly
// these fields. Payload and signatures by themselves are a JWS in general JSON
// serialisation (RFC 7515, 7.2.1), which any library can verify with the keys in
// the bindings.
type File struct {
	Type        string           `json:"type"`
	Version     int              `json:"version"`
	Payload     string           `json:"payload"`    // base64url of the contract's canonical bytes
	Signatures  []FileSignature  `json:"signatures"` // employer, owner
	Bindings    []Binding        `json:"bindings"`   // of the keys that signed, in the same order
	Platform    Countersignature `json:"platform"`
	Disclosures []Disclosure     `json:"disclosures,omitempty"`
}

// FileSignature is one signature of a general JWS.
type FileSignature struct {
	Protected string `json:"protected"`
	Signature string `json:"signature"`
}

// file gives the agreement's file. Its bytes follow from the agreement and from
// what is disclosed.
func (a *Agreement) file(disclosures []Disclosure) ([]byte, error) {
	f := File{
		Type: fileType, Version: version, Payload: b64([]byte(a.Payload)),
		Platform: a.Countersignature, Disclosures: disclosures,
	}
	for _, s := range a.Signatures {
		f.Signatures = append(f.Signatures, FileSignature{s.Protected, s.Signature})
		f.Bindings = append(f.Bindings, s.Binding)
	}
	return canonical(f)
}

// copyPurpose is what the trail of a party says when the other one's people take
// their copy.
const copyPurpose = "the other party's copy of a signed agreement"

// File gives the agreement's file. The two parties' people get it with both sides'
// disclosures, and that they saw the other side's is in that side's trail; the
// operators of the market and auditors get it without. Errors: [store.ErrNotFound];
// those of the vault.
func (s *Agreements) File(ctx context.Context, by market.Caller, id string) ([]byte, error) {
	it, err := s.Get(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if !by.ActsFor(it.Doc.Employer) && !by.ActsFor(it.Doc.Owner) {
		return it.Doc.file(nil)
	}
	cmd := by.Command("agreement.file/"+id, s.cfg.Now())
	open := map[matching.Role]opener{}
	for r, party := range map[matching.Role]string{matching.Employer: it.Doc.Employer, matching.Owner: it.Doc.Owner} {
		open[r] = s.revealer(ctx, cmd, copyPurpose)
		if by.ActsFor(party) {
			open[r] = func(v value, place string) (string, error) { return s.cfg.Vault.Open(ctx, v.Party, place, v.Sealed) }
		}
	}
	return s.disclosed(ctx, &it.Doc, open)
}

// RevealFile gives an auditor the file with both sides' disclosures, as an act of
// theirs with a purpose, which stands in the trail of each party's key. Errors:
// [fault.Forbidden] for everybody else; an [fault.Invalid] fault on "purpose"; those
// of [Agreements.File].
func (s *Agreements) RevealFile(ctx context.Context, by market.Caller, cmd store.Command, id, purpose string) ([]byte, error) {
	it, err := s.Get(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if !by.Auditor {
		return nil, fault.New(fault.Forbidden, "only an auditor is shown the personal data in an agreement that is not theirs").
			WithFix("ask for the file without them, or ask an auditor")
	}
	reveal := s.revealer(ctx, cmd, purpose)
	return s.disclosed(ctx, &it.Doc, map[matching.Role]opener{matching.Employer: reveal, matching.Owner: reveal})
}

func (s *Agreements) revealer(ctx context.Context, cmd store.Command, purpose string) opener {
	return func(v value, place string) (string, error) {
		return s.cfg.Vault.Reveal(ctx, cmd, purpose, v.Party, place, v.Sealed)
	}
}

func (s *Agreements) disclosed(ctx context.Context, a *Agreement, open map[matching.Role]opener) ([]byte, error) {
	c, err := a.Contract()
	if err != nil {
		return nil, fault.New(fault.Internal, "an agreement that cannot be read").Wrap(err)
	}
	d, err := s.contracts.disclose(ctx, &c, sum([]byte(a.Payload)), open)
	if err != nil {
		return nil, err
	}
	return a.file(d)
}
