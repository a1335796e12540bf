package agreement

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
	"hezuo/vault"
)

// Keys knows people's device keys. The room identity implements it.
type Keys interface {
	// Get reads a person with all keys they ever had. Errors: [store.ErrNotFound].
	Get(ctx context.Context, person string) (identity.Person, error)
	// KeyAt gives a key for checking a signature made at an instant. Errors:
	// [fault.NotFound] for a key that is not the person's, [fault.Forbidden] when
	// it could not sign then.
	KeyAt(ctx context.Context, person, thumbprint string, at time.Time) (*ecdsa.PublicKey, identity.Binding, error)
}

var _ Keys = (*identity.Service)(nil)

// ContractsConfig is what [Contracts] need. All of it is required but Rand.
type ContractsConfig struct {
	DB    store.DB
	Vault *vault.Vault
	Board *market.Board
	Keys  Keys
	Node  string // names this process in audit trails
	Now   func() time.Time
	// Rand gives the salts; nil: crypto/rand.
	Rand io.Reader
}

// Contracts draws up what both sides of a handshake sign, and verifies their
// signatures.
type Contracts struct {
	cfg         ContractsConfig
	disclosures *store.Collection[disclosuresDoc]
}

var _ matching.Contract = (*Contracts)(nil)

// NewContracts opens the contracts of a store.
func NewContracts(ctx context.Context, cfg ContractsConfig) (*Contracts, error) {
	if cfg.DB == nil || cfg.Vault == nil || cfg.Board == nil || cfg.Keys == nil || cfg.Now == nil {
		return nil, fault.New(fault.Internal, "contracts need a store, a vault, a board, keys and a clock")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	d, err := store.Open(ctx, cfg.DB, disclosuresSpec())
	if err != nil {
		return nil, err
	}
	return &Contracts{cfg, d}, nil
}

// Draft implements [matching.Contract]. What it gives follows from the handshake
// and the parties' documents, but for the salts of the commitments, which are fresh:
// of several drafts the handshake records one. Before it answers it has sealed the
// values that the draft commits to, and their salts, since a party may change its
// document, and with it the values, at any time after.
//
// Errors: [fault.Conflict] where no terms are accepted, [vault.ErrDestroyed] where
// a party's data were deleted; those of the store and of the KMS.
func (s *Contracts) Draft(ctx context.Context, id string, h *matching.Handshake) (string, error) {
	agreed := h.Agreed()
	if agreed == nil {
		return "", fault.New(fault.Conflict, "both sides have not accepted the same terms")
	}
	terms, err := termsOf(agreed)
	if err != nil {
		return "", err
	}
	c := Contract{
		Type: contractType, Version: version, Handshake: id, Job: h.Job, Team: h.Team, Market: h.Market,
		Terms: terms, TermsSHA256: agreed.Hash, Statement: statement,
	}
	var values []value
	for _, r := range roles {
		p, v, err := s.party(ctx, r, partyOf(h, r))
		if err != nil {
			return "", err
		}
		*c.party(r) = p
		values = append(values, v...)
	}
	payload, err := canonical(c)
	if err != nil {
		return "", err
	}
	if _, err := ParseContract(payload); err != nil {
		return "", fault.New(fault.Internal, "a contract that cannot be read").Wrap(err)
	}
	return string(payload), s.keep(ctx, id, sum(payload), values)
}

// termsOf gives the accepted terms in the frozen form, byte for byte.
func termsOf(agreed *matching.Proposal) (Terms, error) {
	accepted, err := agreed.Terms.Canonical()
	if err != nil {
		return Terms{}, err
	}
	terms, err := decode[Terms](accepted, maxContract)
	if err != nil {
		return Terms{}, fault.New(fault.Internal, "the accepted terms have no place in a contract of version %d", version).Wrap(err)
	}
	return terms, nil
}

// partyOf gives the party id of a side.
func partyOf(h *matching.Handshake, r matching.Role) string {
	if r == matching.Employer {
		return h.Employer.Party
	}
	return h.Owner.Party
}

// party draws up one side, with the values that it commits to.
func (s *Contracts) party(ctx context.Context, r matching.Role, id string) (Party, []value, error) {
	it, err := s.cfg.Board.PartyByID(ctx, id)
	if err != nil {
		return Party{}, nil, fmt.Errorf("party %s: %w", id, err)
	}
	p := Party{ID: id, Kind: string(it.Doc.Kind), Name: it.Doc.Name, CreditCode: it.Doc.CreditCode}
	if it.Doc.Licence != nil {
		p.Licence = it.Doc.Licence.Number
	}
	var values []value
	for _, f := range sealedFields(&it.Doc) {
		text, err := s.cfg.Vault.Open(ctx, id, f.place, f.sealed)
		if err != nil {
			return Party{}, nil, err
		}
		if text == "" {
			continue
		}
		salt, err := s.salt()
		if err != nil {
			return Party{}, nil, err
		}
		commitment, err := commit(salt, text)
		if err != nil {
			return Party{}, nil, err
		}
		p.Commitments.set(f.name, commitment)
		values = append(values, value{Role: r, Party: id, Field: f.name, text: salt + text})
	}
	return p, values, nil
}

// sealedField is a field of a party that a contract commits to.
type sealedField struct {
	name   string
	place  string // as the market names it to the vault
	sealed vault.Sealed
}

func sealedFields(p *market.Party) []sealedField {
	return []sealedField{
		{fieldFullName, "party.full_name", p.FullName},
		{fieldIdentityNumber, "party.identity_number", p.IdentityNumber},
		{fieldRepresentative, "party.representative", p.Representative},
	}
}

// salt gives a fresh one. It is sealed with its value under the party's key: when
// that is destroyed, nobody can try values against the commitment, not even the
// house.
func (s *Contracts) salt() (string, error) {
	b := make([]byte, saltDigits/2)
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		return "", fmt.Errorf("salt: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// fits refuses a contract that is not the handshake's: of its sides, and with the
// very terms that both accepted.
func fits(payload, id string, h *matching.Handshake) (Contract, error) {
	c, err := ParseContract([]byte(payload))
	if err != nil {
		return Contract{}, err
	}
	agreed := h.Agreed()
	if agreed == nil {
		return Contract{}, flaw("双方没有接受同一份条款", "both sides have not accepted the same terms")
	}
	accepted, err := agreed.Terms.Canonical()
	if err != nil {
		return Contract{}, err
	}
	signed, err := canonical(c.Terms)
	if err != nil {
		return Contract{}, err
	}
	if string(accepted) != string(signed) || c.TermsSHA256 != agreed.Hash {
		return Contract{}, flaw("协议的条款与双方接受的条款不一致", "the contract's terms are not, to the byte, those that both sides accepted")
	}
	if c.Handshake != id || c.Job != h.Job || c.Team != h.Team || c.Market != h.Market ||
		c.Parties.Employer.ID != h.Employer.Party || c.Parties.Owner.ID != h.Owner.Party {
		return Contract{}, flaw("协议不属于本次对接", "the contract is not of this handshake")
	}
	return c, nil
}
