package api

import (
	"context"
	"time"

	"hezuo/market"
	"hezuo/store"
)

// MarketView is a market as anybody sees it.
type MarketView struct {
	ID       string          `json:"id" doc:"County code"`
	Name     string          `json:"name"`
	Settings market.Settings `json:"settings"`
	Created  time.Time       `json:"created"`
	Rev      int64           `json:"rev"`
}

func marketView(it store.Item[market.Market]) MarketView {
	return MarketView{it.ID, it.Doc.Name, it.Doc.Settings, it.Doc.Created, it.Rev}
}

// List is a list that is not paged.
type List[T any] struct {
	Items []T `json:"items"`
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Send as cursor for the next page; absent on the last"`
}

// Paging asks for a page.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"400" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"30"`
}

// page turns a room's page into an answer's.
func page[T, V any](p store.Page[T], view func(store.Item[T]) V) *of[Page[V]] {
	out := Page[V]{Items: make([]V, len(p.Items)), Next: p.Next}
	for i, it := range p.Items {
		out.Items[i] = view(it)
	}
	return answered(out, 0)
}

// one turns a room's document into an answer, or passes the error on.
func one[T, V any](it store.Item[T], err error, view func(store.Item[T]) V) (*of[V], error) {
	if err != nil {
		return nil, err
	}
	return answered(view(it), it.Rev), nil
}

func (s *Server) markets(ctx context.Context, _ *nothing) (*of[List[MarketView]], error) {
	all, err := s.cfg.Board.Markets(ctx)
	if err != nil {
		return nil, err
	}
	out := List[MarketView]{Items: make([]MarketView, len(all))}
	for i, it := range all {
		out.Items[i] = marketView(it)
	}
	return answered(out, 0), nil
}

// MarketPath names a market. It is exported, as are all that name what a path is
// about: Huma does not look into an embedded type that is not.
type MarketPath struct {
	Market string `path:"market" doc:"County code"`
}

func (s *Server) market(ctx context.Context, in *MarketPath) (*of[MarketView], error) {
	it, err := s.cfg.Board.Market(ctx, in.Market)
	return one(it, err, marketView)
}

func (s *Server) foundMarket(ctx context.Context, in *struct {
	Body struct {
		County string `json:"county" doc:"County code, from /v1/places"`
	}
},
) (*of[MarketView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.CreateMarket(ctx, &by, cmd, in.Body.County)
	return one(it, err, marketView)
}

func (s *Server) changeSettings(ctx context.Context, in *struct {
	MarketPath
	Body struct {
		Settings market.Settings `json:"settings"`
		Reason   string          `json:"reason" minLength:"4" maxLength:"500"`
	}
},
) (*of[MarketView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.ChangeSettings(ctx, by, cmd, in.Market, in.Body.Settings, in.Body.Reason)
	return one(it, err, marketView)
}

func (s *Server) appoint(ctx context.Context, in *struct {
	MarketPath
	Person string `path:"person"`
	Body   struct {
		Operator bool   `json:"operator" doc:"Whether the person is to operate the market"`
		Reason   string `json:"reason" minLength:"4" maxLength:"500"`
	}
},
) (*of[MarketView], error) {
	by, cmd := s.act(ctx)
	if _, err := s.cfg.Identity.Get(ctx, in.Person); err != nil {
		return nil, err
	}
	it, err := s.cfg.Board.Appoint(ctx, &by, cmd, in.Market, in.Person, in.Body.Operator, in.Body.Reason)
	return one(it, err, marketView)
}

func (s *Server) places(_ context.Context, in *struct {
	County string `query:"county" maxLength:"6" doc:"Give its towns; without it, the counties are given"`
},
) (*of[List[market.Place]], error) {
	if in.County == "" {
		return answered(List[market.Place]{market.Counties()}, 0), nil
	}
	if _, ok := market.PlaceByCode(in.County); !ok {
		return nil, store.ErrNotFound
	}
	return answered(List[market.Place]{market.Towns(in.County)}, 0), nil
}

func (s *Server) trades(context.Context, *nothing) (*of[List[market.Trade]], error) {
	return answered(List[market.Trade]{market.Trades()}, 0), nil
}
