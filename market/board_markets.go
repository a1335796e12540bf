package market

import (
	"context"
	"errors"

	"hezuo/fault"
	"hezuo/store"
)

// CreateMarket founds a county's market with the default settings. Founding one
// that is there is a no-op. Only an admin, or the house itself (a nil caller).
func (b *Board) CreateMarket(ctx context.Context, by *Caller, cmd store.Command, county string) (store.Item[Market], error) {
	if by != nil && !by.Admin {
		return store.Item[Market]{}, fault.New(fault.Forbidden, "only an admin founds a market")
	}
	place, ok := PlaceByCode(county)
	if !ok || len(county) != 6 {
		return store.Item[Market]{}, fault.Field("county", "no county has this code", "take a county's code from /v1/places")
	}
	it, err := b.markets.Create(ctx, county, cmd, func(m *Market) ([]store.Entry, error) {
		*m = Market{County: county, Name: place.Name + "零工市场", Settings: DefaultSettings(), Created: cmd.At.UTC()}
		return []store.Entry{store.Audit("market.found", "", nil)}, nil
	})
	if errors.Is(err, store.ErrExists) {
		return b.markets.Get(ctx, county)
	}
	return it, err
}

// Market reads one market.
func (b *Board) Market(ctx context.Context, county string) (store.Item[Market], error) {
	return b.markets.Get(ctx, county)
}

// Markets lists all markets, by county code.
func (b *Board) Markets(ctx context.Context) ([]store.Item[Market], error) {
	var out []store.Item[Market]
	err := b.markets.Each(ctx, store.Range{}, func(it store.Item[Market]) error {
		out = append(out, it)
		return nil
	})
	return out, err
}

// ChangeSettings sets a market's settings; its operators only.
func (b *Board) ChangeSettings(ctx context.Context, by Caller, cmd store.Command, county string, s Settings, reason string) (store.Item[Market], error) {
	if err := by.mustOperate(county); err != nil {
		return store.Item[Market]{}, err
	}
	return b.markets.Update(ctx, county, cmd, func(m *Market) ([]store.Entry, error) {
		return m.Change(s, reason, cmd.At)
	})
}

// Appoint makes a person an operator of a market, or no longer; an admin only,
// or the house itself (a nil caller).
func (b *Board) Appoint(ctx context.Context, by *Caller, cmd store.Command, county, person string, operator bool, reason string) (store.Item[Market], error) {
	if by != nil && !by.Admin {
		return store.Item[Market]{}, fault.New(fault.Forbidden, "only an admin appoints operators")
	}
	return b.markets.Update(ctx, county, cmd, func(m *Market) ([]store.Entry, error) {
		return m.Appoint(person, operator, reason)
	})
}
