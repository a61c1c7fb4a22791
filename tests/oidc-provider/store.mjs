// The provider's memory, apart from the provider: it outlives a rotation of keys.

const records = new Map();

function find(fits) {
  return [...records.entries()].find(([, record]) => fits(record));
}

// The library's adapter interface (its docs, "adapter").
export class Store {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload, expiresIn) {
    const until = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
    records.set(this.key(id), { model: this.model, payload, until });
  }

  async find(id) {
    const record = records.get(this.key(id));
    return record && Date.now() < record.until ? record.payload : undefined;
  }

  async findByUid(uid) {
    return find(({ model, payload }) => model === this.model && payload.uid === uid)?.[1].payload;
  }

  async findByUserCode(code) {
    return find(({ model, payload }) => model === this.model && payload.userCode === code)?.[1]
      .payload;
  }

  async destroy(id) {
    records.delete(this.key(id));
  }

  async consume(id) {
    records.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of records) {
      if (payload.grantId === grantId) records.delete(key);
    }
  }
}

// As if each had been sent already.
export function consumeRefreshTokens() {
  for (const { model, payload } of records.values()) {
    if (model === 'RefreshToken') payload.consumed = Math.floor(Date.now() / 1000);
  }
}
