// @ts-check
/** The booklets of an exam in staging and every act on them. Knows no element: the desk shows what stands here. */
import { all, call } from "../core/api.js";
import { batch, computed, signal } from "../core/island.js";

/**
 * @typedef {{href: string, width_px: number, height_px: number}} Picture
 * @typedef {{id: string, page_no: number, side_no: number, half: "whole"|"left"|"right", blank: boolean,
 *   has_header: boolean, turn_deg: 0|90|180|270, dropped: boolean, screen: Picture, thumb: Picture}} StagedPage
 * @typedef {{id: string, upload_id: string, position: number, first_side: number, doubts: string[],
 *   copy_id: string|null, set_aside: boolean, version: number, pages: StagedPage[]}} Booklet
 * @typedef {{id: string, kind: string, booklet_ids: string[], done_by: string, done_by_name: string|null,
 *   done_at: string, undone_at: string|null}} Act
 * @typedef {"doubtful"|"certain"|"stapled"|"aside"} Standing
 */

/** @param {Booklet} booklet  @returns {Standing} */
export function standing(booklet) {
  if (booklet.copy_id) return "stapled";
  if (booklet.set_aside) return "aside";
  return booklet.doubts.length ? "doubtful" : "certain";
}

export class Pile {
  /** @param {string} exam  @param {string} me whose acts Undo undoes */
  constructor(exam, me) {
    this.exam = exam;
    this.me = me;
    this.booklets = signal(/** @type {Booklet[]} */ ([]));
    this.files = signal(/** @type {Map<string, string>} */ (new Map()));
    /** Ids of pages. */
    this.selected = signal(/** @type {Set<string>} */ (new Set()));
    this.busy = signal(false);
    this.counts = computed(() => {
      const counts = { doubtful: 0, certain: 0, stapled: 0, aside: 0 };
      for (const each of this.booklets.value) counts[standing(each)] += 1;
      return counts;
    });
    /** Booklets counted through, as one would count the pile: `position` keeps a place for what undoing may bring back. */
    this.numbers = computed(() => new Map(this.booklets.value.map((each, at) => [each.id, at + 1])));
    /** Acts of each thing done here, latest last: Undo takes back all of one thing. */
    this.done = /** @type {number[]} */ ([]);
    this.line = Promise.resolve();
  }

  async load() {
    const [booklets, uploads] = await Promise.all([
      all(`/exams/${this.exam}/booklets`),
      all(`/exams/${this.exam}/uploads`),
    ]);
    batch(() => {
      this.booklets.value = booklets;
      this.files.value = new Map(uploads.map((/** @type {any} */ each) => [each.id, each.filename]));
      const there = new Set(booklets.flatMap((/** @type {Booklet} */ each) => each.pages.map((page) => page.id)));
      this.selected.value = new Set([...this.selected.value].filter((id) => there.has(id)));
    });
  }

  /** @param {string} id */
  booklet(id) {
    return this.booklets.value.find((each) => each.id === id);
  }

  /** @param {string} page_id */
  bookletOf(page_id) {
    return this.booklets.value.find((each) => each.pages.some((page) => page.id === page_id));
  }

  /** Booklets that have some of these pages, in the order of the piles. @param {Iterable<string>} pages */
  touched(pages) {
    const wanted = new Set(pages);
    return this.booklets.value.filter((each) => each.pages.some((page) => wanted.has(page.id)));
  }

  /**
   * Acts wait for those before them: each starts from what the last one left, however fast one types.
   * @param {() => Promise<number>} act  answers how many acts it was
   */
  #inLine(act) {
    const run = async () => {
      this.busy.value = true;
      try {
        const acts = await act();
        if (acts) this.done.push(acts);
      } catch (error) {
        if (/** @type {any} */ (error)?.status === 409) await this.load(); // somebody else was here: show what is
        throw error;
      } finally {
        this.busy.value = false;
      }
    };
    const result = this.line.then(run);
    this.line = result.catch(() => undefined);
    return result;
  }

  /**
   * Put what an act answered in its place; what it made stands behind what it was made of.
   * @param {Booklet[]} now  @param {string[]} touched ids; those that are not among `now` are gone
   */
  #put(now, touched) {
    const changed = new Map(now.map((each) => [each.id, each]));
    const gone = new Set(touched.filter((id) => !changed.has(id)));
    const booklets = [];
    for (const each of this.booklets.value) {
      if (gone.has(each.id)) continue;
      booklets.push(changed.get(each.id) ?? each);
      changed.delete(each.id);
    }
    const known = new Set(this.booklets.value.map((each) => each.id));
    for (const [at, each] of now.entries()) {
      if (known.has(each.id)) continue;
      const before = booklets.findIndex((other) => other.id === now[at - 1]?.id);
      booklets.splice(before + 1, 0, each);
    }
    this.booklets.value = booklets;
  }

  /** @param {Booklet} booklet  @param {(page: StagedPage) => {turn_deg?: number, dropped?: boolean}} change */
  async #arrange(booklet, change = () => ({}), order = booklet.pages) {
    const stays = (/** @type {StagedPage} */ { id, turn_deg, dropped }) => ({ id, turn_deg, dropped });
    const pages = order.map((page) => ({ ...stays(page), ...change(page) }));
    const now = await call("PATCH", `/booklets/${booklet.id}`, { version: booklet.version, pages });
    this.#put([now], [booklet.id]);
  }

  /** @param {Set<string>} pages  @param {(page: StagedPage) => {turn_deg?: number, dropped?: boolean}} change */
  #changePages(pages, change) {
    return this.#inLine(async () => {
      const booklets = this.touched(pages).filter((each) => !each.copy_id);
      for (const each of booklets) await this.#arrange(each, (page) => (pages.has(page.id) ? change(page) : {}));
      return booklets.length;
    });
  }

  /** @param {Set<string>} pages  @param {90|180|270} degrees clockwise */
  turn(pages, degrees) {
    return this.#changePages(pages, (page) => ({ turn_deg: (page.turn_deg + degrees) % 360 }));
  }

  /** @param {Set<string>} pages  @param {boolean} dropped */
  drop(pages, dropped) {
    return this.#changePages(pages, () => ({ dropped }));
  }

  /** A person looked and it is right: nothing moves, the doubts are settled. @param {string[]} ids */
  approve(ids) {
    return this.#inLine(async () => {
      const booklets = ids.map((id) => this.booklet(id)).filter((each) => each && standing(each) === "doubtful");
      for (const each of booklets) await this.#arrange(/** @type {Booklet} */ (each));
      return booklets.length;
    });
  }

  /** The page becomes the first of a new booklet. @param {string} page_id */
  split(page_id) {
    return this.#inLine(async () => {
      const booklet = this.bookletOf(page_id);
      const at = booklet?.pages.findIndex((page) => page.id === page_id) ?? 0;
      if (!booklet || at < 1) return 0;
      const wish = { version: booklet.version, before_page: at + 1 };
      const now = await call("POST", `/booklets/${booklet.id}/split`, wish);
      this.#put(now.items, [booklet.id]);
      return 1;
    });
  }

  /** @param {string[]} ids  joined into the first, in this order */
  merge(ids) {
    return this.#inLine(async () => {
      const merged = await call("POST", `/exams/${this.exam}/booklets/merge`, { booklet_ids: ids });
      this.#put([merged], ids);
      return 1;
    });
  }

  /**
   * Put pages before `before` in `target`, or behind its last page; they may come from several booklets.
   * @param {string[]} pages  in the order they shall have
   * @param {string} target  @param {string|null} before a page's id
   */
  move(pages, target, before) {
    return this.#inLine(async () => {
      if (before !== null && pages.includes(before)) return 0;
      let acts = 0;
      for (const source of this.touched(pages)) {
        const ids = pages.filter((id) => source.pages.some((page) => page.id === id));
        const into = /** @type {Booklet} */ (this.booklet(target));
        if (source.id === target) await this.#reorder(into, ids, before);
        else await this.#insert(into, source, ids, before);
        acts += 1;
      }
      return acts;
    });
  }

  /** @param {Booklet} booklet  @param {string[]} ids  @param {string|null} before */
  async #reorder(booklet, ids, before) {
    const moved = ids.map((id) => /** @type {StagedPage} */ (booklet.pages.find((page) => page.id === id)));
    const rest = booklet.pages.filter((page) => !ids.includes(page.id));
    const at = before === null ? rest.length : rest.findIndex((page) => page.id === before);
    await this.#arrange(booklet, undefined, [...rest.slice(0, at), ...moved, ...rest.slice(at)]);
  }

  /** @param {Booklet} into  @param {Booklet} source  @param {string[]} ids  @param {string|null} before */
  async #insert(into, source, ids, before) {
    const at = before === null ? null : into.pages.findIndex((page) => page.id === before) + 1;
    const now = await call("POST", `/booklets/${into.id}/insert`, {
      version: into.version, before_page: at, source_id: source.id, source_version: source.version, page_ids: ids,
    });
    this.#put(now.items, [into.id, source.id]);
  }

  /** Stray paper is set aside, or taken back. @param {string[]} ids  @param {boolean} aside */
  setAside(ids, aside) {
    return this.#inLine(async () => {
      for (const id of ids) {
        const booklet = /** @type {Booklet} */ (this.booklet(id));
        await call("DELETE", `/booklets/${id}?version=${booklet.version}&restore=${!aside}`);
        this.#put([await call("GET", `/booklets/${id}`)], [id]);
      }
      return ids.length;
    });
  }

  /** Each of these becomes a copy. @param {string[]} ids  @param {boolean} bare no name stands on their first pages */
  async staple(ids, bare = false) {
    await this.#inLine(async () => {
      for (const id of ids) {
        await call("POST", `/exams/${this.exam}/copies`, { booklet_ids: [id], first_page_bare: bare });
        this.#put([await call("GET", `/booklets/${id}`)], [id]);
      }
      return 0;
    });
    this.#forget();
  }

  /** All that is certain becomes copies. @returns {Promise<number>} how many */
  async stapleCertain() {
    let made = 0;
    await this.#inLine(async () => {
      made = (await call("POST", `/exams/${this.exam}/copies/assemble`)).copy_ids.length;
      await this.load();
      return 0;
    });
    this.#forget();
    return made;
  }

  /** Late sheets go behind the pages a copy has. @param {string} copy  @param {string[]} ids */
  async join(copy, ids) {
    await this.#inLine(async () => {
      await call("POST", `/copies/${copy}/paper`, { booklet_ids: ids });
      await this.load();
      return 0;
    });
    this.#forget();
  }

  /** Paper that became a copy is no longer undone here; selected it is nothing one could act on. */
  #forget() {
    const stapled = this.booklets.value.filter((each) => each.copy_id).flatMap((each) => each.pages);
    const gone = new Set(stapled.map((page) => page.id));
    this.selected.value = new Set([...this.selected.value].filter((id) => !gone.has(id)));
  }

  /** @returns {Promise<{items: Act[]}>} */
  acts() {
    return call("GET", `/exams/${this.exam}/booklets/acts?limit=50`);
  }

  /** Undo what I did last, or one act. @param {string} [act_id]  @returns {Promise<Act|undefined>} what was undone */
  async undo(act_id) {
    /** @type {Act|undefined} */
    let undone;
    await this.#inLine(async () => {
      const acts = (await this.acts()).items.filter((each) => !each.undone_at);
      const mine = acts.filter((each) => each.done_by === this.me);
      const wanted = act_id ? acts.filter((each) => each.id === act_id) : mine.slice(0, this.done.pop() ?? 1);
      for (const each of wanted) {
        await call("POST", `/exams/${this.exam}/booklets/undo`, { act_id: each.id });
        undone = each;
      }
      if (wanted.length) await this.load();
      return 0;
    });
    return undone;
  }
}
