"""The schema of the catalog: one SQL script per released version."""

from __future__ import annotations

# By the version of the schema that each script creates from the one before it. Catalogs of other
# versions were never released and count as damaged. The last script replaces what a catalog of
# photosd 0.1.0 may hold; a new catalog does not have it.
MIGRATIONS = {
    1: """
    CREATE TABLE folders(
      id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, device INTEGER, inode INTEGER,
      mount_point BLOB NOT NULL DEFAULT x'', state TEXT NOT NULL, reason TEXT, remedy TEXT,
      excludes TEXT NOT NULL DEFAULT '[]'
    );
    -- state: pending | indexed | failed | gone. due: when to work on it (pending) or try again
    -- (failed); null: only when the file changes. A gone row remembers its content for a return.
    CREATE TABLE photos(
      path BLOB PRIMARY KEY, folder INTEGER NOT NULL REFERENCES folders ON DELETE CASCADE,
      size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
      device INTEGER NOT NULL, content TEXT, state TEXT NOT NULL, due REAL,
      attempts INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
      reason TEXT, remedy TEXT, stack TEXT, gone_at REAL
    ) WITHOUT ROWID;
    CREATE INDEX photos_inode ON photos(inode, device);
    CREATE TABLE counts(
      folder INTEGER NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(folder, state)
    ) WITHOUT ROWID;
    CREATE TRIGGER photos_born AFTER INSERT ON photos BEGIN
      INSERT INTO counts VALUES(NEW.folder, NEW.state, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER photos_moved AFTER UPDATE OF state, folder ON photos
      WHEN OLD.state <> NEW.state OR OLD.folder <> NEW.folder BEGIN
      UPDATE counts SET n = n - 1 WHERE folder = OLD.folder AND state = OLD.state;
      INSERT INTO counts VALUES(NEW.folder, NEW.state, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER photos_died AFTER DELETE ON photos BEGIN
      UPDATE counts SET n = n - 1 WHERE folder = OLD.folder AND state = OLD.state;
    END;
    -- Facts of each content (EXIF and the like), and the models whose tables hold its vector.
    CREATE TABLE contents(content TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE embedded(
      model TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY(model, content)
    ) WITHOUT ROWID;
    -- Paths given to a worker. Those still here after a crash are tried one at a time.
    CREATE TABLE journal(path BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE remembered_queries(
      key BLOB PRIMARY KEY, vector BLOB NOT NULL, understanding TEXT NOT NULL, used_at REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    5: """
    -- Contents whose paths differ from those in a model's table: each change of paths inserts
    -- them here, and committer.py removes them after updating the table.
    CREATE TABLE unfiled(
      model TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY(model, content)
    ) WITHOUT ROWID;
    CREATE INDEX embedded_content ON embedded(content);
    CREATE TRIGGER photos_refiled AFTER UPDATE OF state, content ON photos
      WHEN (OLD.state = 'indexed' OR NEW.state = 'indexed')
      AND (OLD.state <> NEW.state OR OLD.content IS NOT NEW.content) BEGIN
      -- Not OR IGNORE: in a trigger the outer statement's conflict clause takes its place.
      INSERT INTO unfiled SELECT model, content FROM embedded
        WHERE content IN (OLD.content, NEW.content) ON CONFLICT DO NOTHING;
    END;
    CREATE TRIGGER photos_unfiled AFTER DELETE ON photos WHEN OLD.state = 'indexed' BEGIN
      INSERT INTO unfiled SELECT model, content FROM embedded
        WHERE content = OLD.content ON CONFLICT DO NOTHING;
    END;
    -- Alerts (standing queries). kind: exec | link | notify | stream. awake: 0 after the catalog
    -- was lost, until its photos are known again; restored: 1 if that happened. model: the model
    -- that decided what an album holds.
    CREATE TABLE standing(
      id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, kind TEXT NOT NULL,
      filter TEXT NOT NULL, argv TEXT NOT NULL, directory BLOB,
      created_at REAL NOT NULL, awake INTEGER NOT NULL DEFAULT 1,
      restored INTEGER NOT NULL DEFAULT 0,
      acknowledged INTEGER NOT NULL DEFAULT 0, matches INTEGER NOT NULL DEFAULT 0, model TEXT
    );
    -- Undecided contents: inserted in the transaction that inserts the content, so that none is
    -- missed, and deleted in the transaction that saves the match, so that none matches twice.
    CREATE TABLE candidates(
      content TEXT NOT NULL, standing INTEGER NOT NULL REFERENCES standing ON DELETE CASCADE,
      PRIMARY KEY(content, standing)
    ) WITHOUT ROWID;
    CREATE TRIGGER contents_born AFTER INSERT ON contents BEGIN
      INSERT INTO candidates SELECT NEW.content, id FROM standing WHERE awake = 1
        ON CONFLICT DO NOTHING;
    END;
    -- state: waiting | started | done | failed | gone. claim: name of the file that lets exactly
    -- one process run the command.
    CREATE TABLE matches(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      standing INTEGER NOT NULL REFERENCES standing ON DELETE CASCADE, content TEXT NOT NULL,
      path BLOB NOT NULL, score REAL NOT NULL, strength TEXT NOT NULL, matched_at REAL NOT NULL,
      state TEXT NOT NULL, claim TEXT, outcome TEXT, ended_at REAL
    );
    CREATE INDEX matches_standing ON matches(standing, state);
    CREATE INDEX matches_state ON matches(state);
    -- Links in albums: the link's path and its target, null while it does not exist. Rows stay
    -- after their alert is deleted, until the links are removed.
    CREATE TABLE links(
      content TEXT NOT NULL, standing INTEGER NOT NULL, wanted INTEGER NOT NULL DEFAULT 1,
      link BLOB, target BLOB, PRIMARY KEY(content, standing)
    ) WITHOUT ROWID;
    CREATE INDEX links_link ON links(link);
    CREATE TRIGGER contents_died AFTER DELETE ON contents BEGIN
      DELETE FROM candidates WHERE content = OLD.content;
      DELETE FROM links WHERE content = OLD.content AND link IS NULL;
    END;
    ALTER TABLE folders ADD COLUMN cloud INTEGER NOT NULL DEFAULT 0;
    -- Every call to Gemini, written before it is made; and the contents not to send again.
    CREATE TABLE cloud_calls(
      id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL,
      items INTEGER NOT NULL, bytes INTEGER NOT NULL, usd REAL NOT NULL, outcome TEXT NOT NULL
    );
    CREATE INDEX cloud_calls_at ON cloud_calls(at);
    CREATE TABLE cloud_refused(
      model TEXT NOT NULL, content TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(model, content)
    ) WITHOUT ROWID;
    """,
    18: """
    -- source: the picture that a vector comes from; see Source in decode/messages.py.
    ALTER TABLE embedded ADD COLUMN source TEXT NOT NULL DEFAULT 'full';
    CREATE INDEX embedded_previews ON embedded(model, content) WHERE source = 'preview';
    -- place: the device of the name (null: that of the file); access: see core/filestat.py.
    -- code: the kind of failure; circumstance: what it depends on, when the photo failed.
    ALTER TABLE photos ADD COLUMN place INTEGER;
    ALTER TABLE photos ADD COLUMN access INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE photos ADD COLUMN code TEXT;
    ALTER TABLE photos ADD COLUMN circumstance TEXT;
    -- The UUID of the volume that a folder is on; see watch/volumes.py.
    ALTER TABLE folders ADD COLUMN volume TEXT;
    -- Filters now compare dates with a wall clock: label sync updates every table again.
    INSERT INTO unfiled SELECT model, content FROM embedded WHERE 1 ON CONFLICT DO NOTHING;
    -- The text index: words of the paths of indexed photos, and of the facts of their contents,
    -- folded (core/wording.py); and the key of each file's own name. Removed photos are not here.
    DROP TRIGGER IF EXISTS photos_named;
    DROP TRIGGER IF EXISTS photos_unnamed;
    DROP TABLE IF EXISTS names;
    DROP TABLE IF EXISTS named;
    CREATE TABLE named(
      id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, content TEXT, key TEXT NOT NULL
    );
    CREATE INDEX named_key ON named(key);
    -- Each query looks up which of hundreds of contents have a path, and its number.
    CREATE INDEX named_content ON named(content);
    CREATE VIRTUAL TABLE names USING fts5(
      name, folders, title, caption, places, tags, people,
      content='', detail='column', columnsize=0, tokenize='porter ascii'
    );
    CREATE TRIGGER photos_named AFTER INSERT ON photos WHEN NEW.state = 'indexed' BEGIN
      INSERT INTO named(path, content, key) VALUES(NEW.path, NEW.content, name_key(NEW.path));
    END;
    CREATE TRIGGER photos_renamed AFTER UPDATE OF state, content ON photos
      WHEN (OLD.state = 'indexed') <> (NEW.state = 'indexed')
      OR (NEW.state = 'indexed' AND OLD.content IS NOT NEW.content) BEGIN
      DELETE FROM named WHERE path = OLD.path;
      INSERT INTO named(path, content, key)
        SELECT NEW.path, NEW.content, name_key(NEW.path) WHERE NEW.state = 'indexed';
    END;
    CREATE TRIGGER photos_unnamed AFTER DELETE ON photos WHEN OLD.state = 'indexed' BEGIN
      DELETE FROM named WHERE path = OLD.path;
    END;
    -- Where a photo was taken: JSON, see placing.py. unplaced: 1 while that is to be looked up, 2
    -- while it waits for the table of places.
    ALTER TABLE contents ADD COLUMN place TEXT;
    ALTER TABLE contents ADD COLUMN unplaced INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX contents_unplaced ON contents(unplaced) WHERE unplaced > 0;
    CREATE TRIGGER contents_moved AFTER UPDATE OF facts ON contents
      WHEN located_facts(OLD.facts) <> located_facts(NEW.facts) BEGIN
      UPDATE contents SET unplaced = 1 WHERE content = NEW.content;
    END;
    -- The vocabulary: each spelling of a person, a tag, a place, a country and a camera, with its
    -- label (labels.py), and the number of contents that have it and an indexed path. main: 0 for
    -- other names of a place. Also each folder, as bytes without a key, with the photos directly
    -- in it.
    CREATE TABLE vocabulary(
      label INTEGER NOT NULL, shown TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
      main INTEGER NOT NULL, photos INTEGER NOT NULL, PRIMARY KEY(label, shown)
    ) WITHOUT ROWID;
    CREATE INDEX vocabulary_key ON vocabulary(key, kind);
    -- Inserting here adds a row to the text index (change: 1) or takes it away (-1), which needs
    -- the words that it has.
    CREATE VIEW worded(id, path, facts, place, change) AS SELECT 0, x'', NULL, NULL, 0;
    CREATE TRIGGER worded_more INSTEAD OF INSERT ON worded WHEN NEW.change > 0 BEGIN
      INSERT INTO names(rowid, name, folders, title, caption, places, tags, people)
        VALUES(NEW.id, name_words(NEW.path), folder_words(NEW.path), title_words(NEW.facts),
          caption_words(NEW.facts), place_words(NEW.facts, NEW.place), tag_words(NEW.facts),
          people_words(NEW.facts));
    END;
    CREATE TRIGGER worded_less INSTEAD OF INSERT ON worded WHEN NEW.change < 0 BEGIN
      INSERT INTO names(names, rowid, name, folders, title, caption, places, tags, people)
        VALUES('delete', NEW.id, name_words(NEW.path), folder_words(NEW.path),
          title_words(NEW.facts), caption_words(NEW.facts), place_words(NEW.facts, NEW.place),
          tag_words(NEW.facts), people_words(NEW.facts));
    END;
    CREATE TRIGGER named_born AFTER INSERT ON named BEGIN
      INSERT INTO worded SELECT NEW.id, NEW.path, facts, place, 1
        FROM (SELECT 1) LEFT JOIN contents ON content = NEW.content;
      INSERT INTO vocabulary
        VALUES(folder_label(NEW.path), folder_of(NEW.path), 'folder', '', 1, 1)
        ON CONFLICT DO UPDATE SET photos = photos + 1;
    END;
    CREATE TRIGGER named_died AFTER DELETE ON named BEGIN
      INSERT INTO worded SELECT OLD.id, OLD.path, facts, place, -1
        FROM (SELECT 1) LEFT JOIN contents ON content = OLD.content;
      UPDATE vocabulary SET photos = photos - 1 WHERE label = folder_label(OLD.path);
      DELETE FROM vocabulary WHERE label = folder_label(OLD.path) AND photos < 1;
    END;
    -- Inserting here adds the values of a content to the vocabulary (change: 1) or takes them away
    -- (-1).
    CREATE VIEW counted(facts, place, change) AS SELECT NULL, NULL, 0;
    CREATE TRIGGER counted_more INSTEAD OF INSERT ON counted WHEN NEW.change > 0 BEGIN
      INSERT INTO vocabulary(label, shown, kind, key, main, photos)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, 1
        FROM json_each(said_values(NEW.facts, NEW.place)) WHERE 1
        ON CONFLICT DO UPDATE SET photos = photos + 1, main = max(main, excluded.main);
    END;
    CREATE TRIGGER counted_less INSTEAD OF INSERT ON counted WHEN NEW.change < 0 BEGIN
      UPDATE vocabulary SET photos = photos - 1 WHERE (label, shown) IN
        (SELECT value ->> 0, value ->> 1 FROM json_each(said_values(NEW.facts, NEW.place)));
      DELETE FROM vocabulary WHERE photos < 1 AND label IN
        (SELECT value ->> 0 FROM json_each(said_values(NEW.facts, NEW.place)));
    END;
    CREATE TRIGGER named_first AFTER INSERT ON named WHEN NOT EXISTS
      (SELECT 1 FROM named WHERE content = NEW.content AND id <> NEW.id) BEGIN
      INSERT INTO counted SELECT facts, place, 1 FROM contents WHERE content = NEW.content;
    END;
    CREATE TRIGGER named_last AFTER DELETE ON named WHEN NOT EXISTS
      (SELECT 1 FROM named WHERE content = OLD.content) BEGIN
      INSERT INTO counted SELECT facts, place, -1 FROM contents WHERE content = OLD.content;
    END;
    CREATE TRIGGER contents_told AFTER INSERT ON contents
      WHEN EXISTS (SELECT 1 FROM named WHERE content = NEW.content) BEGIN
      INSERT INTO counted VALUES(NEW.facts, NEW.place, 1);
      INSERT INTO worded SELECT id, path, NULL, NULL, -1 FROM named WHERE content = NEW.content;
      INSERT INTO worded SELECT id, path, NEW.facts, NEW.place, 1 FROM named
        WHERE content = NEW.content;
    END;
    CREATE TRIGGER contents_retold AFTER UPDATE OF facts, place ON contents
      WHEN (named_facts(OLD.facts), OLD.place) IS NOT (named_facts(NEW.facts), NEW.place)
      AND EXISTS (SELECT 1 FROM named WHERE content = NEW.content) BEGIN
      INSERT INTO counted VALUES(OLD.facts, OLD.place, -1);
      INSERT INTO counted VALUES(NEW.facts, NEW.place, 1);
      INSERT INTO worded SELECT id, path, OLD.facts, OLD.place, -1 FROM named
        WHERE content = OLD.content;
      INSERT INTO worded SELECT id, path, NEW.facts, NEW.place, 1 FROM named
        WHERE content = NEW.content;
    END;
    CREATE TRIGGER contents_untold AFTER DELETE ON contents
      WHEN EXISTS (SELECT 1 FROM named WHERE content = OLD.content) BEGIN
      INSERT INTO counted VALUES(OLD.facts, OLD.place, -1);
      INSERT INTO worded SELECT id, path, OLD.facts, OLD.place, -1 FROM named
        WHERE content = OLD.content;
      INSERT INTO worded SELECT id, path, NULL, NULL, 1 FROM named WHERE content = OLD.content;
    END;
    INSERT INTO named(path, content, key)
      SELECT path, content, name_key(path) FROM photos WHERE state = 'indexed';
    -- sidecar: the files beside a photo that describe it, at the last comparison; see scanner.py.
    -- own: facts without any sidecar's; null: no sidecar is merged into them.
    ALTER TABLE photos ADD COLUMN sidecar TEXT;
    ALTER TABLE contents ADD COLUMN own TEXT;
    -- Facts of sidecars, by the path of the photo, with its content; due: above 0 while the
    -- sidecar must be read; each change adds 1.
    CREATE TABLE sidecars(
      path BLOB PRIMARY KEY, facts TEXT NOT NULL DEFAULT '{}', content TEXT,
      due INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX sidecars_due ON sidecars(path) WHERE due > 0;
    CREATE INDEX sidecars_content ON sidecars(content, path);
    CREATE TRIGGER photos_sidecar AFTER UPDATE OF state, content ON photos
      WHEN NEW.sidecar IS NOT NULL AND NEW.state IN ('indexed', 'gone')
      AND (OLD.state <> NEW.state OR OLD.content IS NOT NEW.content) BEGIN
      INSERT INTO sidecars(path, due) VALUES(NEW.path, 1)
        ON CONFLICT(path) DO UPDATE SET due = due + 1;
    END;
    CREATE TRIGGER photos_sidecar_died AFTER DELETE ON photos WHEN OLD.sidecar IS NOT NULL BEGIN
      UPDATE sidecars SET due = due + 1 WHERE path = OLD.path;
    END;
    -- Contents whose facts were read by an older photosd: they are read again in the background.
    CREATE TABLE facts_due(content TEXT PRIMARY KEY) WITHOUT ROWID;
    INSERT INTO facts_due SELECT content FROM contents;
    CREATE TRIGGER contents_facts_died AFTER DELETE ON contents BEGIN
      DELETE FROM facts_due WHERE content = OLD.content;
    END;
    -- Contents with metadata that could not be read.
    CREATE INDEX contents_unreadable ON contents(content)
      WHERE instr(facts, '"unreadable":') > 0;
    -- Nearly every photo is indexed, so look-ups by content must not use an index that begins
    -- with the state, which SQLite prefers without statistics. Rows that are never due are not
    -- in it.
    DROP INDEX IF EXISTS photos_work;
    CREATE INDEX photos_work ON photos(state, due DESC) WHERE due IS NOT NULL;
    DROP INDEX IF EXISTS photos_content;
    CREATE INDEX photos_content ON photos(content, state, folder);
    DROP INDEX IF EXISTS photos_folder;
    CREATE INDEX photos_folder ON photos(folder);
    CREATE INDEX photos_failed ON photos(state) WHERE state = 'failed';
    CREATE INDEX photos_gone ON photos(gone_at) WHERE gone_at IS NOT NULL;
    -- Camera raw files, which most libraries do not have: `catalog.IS_RAW`.
    CREATE INDEX photos_raw ON photos(state) WHERE state = 'indexed' AND
      CAST(substr(path, -4) AS TEXT) COLLATE NOCASE IN ('.3fr', '.arw', '.cr2', '.cr3', '.crw',
      '.dcr', '.dng', '.erf', '.fff', '.gpr', '.iiq', '.kdc', '.mef', '.mos', '.mrw', '.nef',
      '.nrw', '.orf', '.pef', '.raf', '.rw2', '.rwl', '.sr2', '.srf', '.srw', '.x3f');
    -- Contents that a path no longer has, and since when (Unix seconds; 0: do not wait for their
    -- return). retention.py deletes what was derived from them unless another path has them.
    CREATE TABLE orphans(content TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX orphans_since ON orphans(since);
    CREATE TRIGGER photos_orphaned AFTER DELETE ON photos WHEN OLD.content IS NOT NULL BEGIN
      INSERT INTO orphans VALUES(OLD.content, 0) ON CONFLICT DO UPDATE SET since = 0;
    END;
    CREATE TRIGGER photos_changed AFTER UPDATE OF content ON photos
      WHEN OLD.content IS NOT NULL AND OLD.content IS NOT NEW.content BEGIN
      INSERT INTO orphans VALUES(OLD.content, CAST(strftime('%s', 'now') AS REAL))
        ON CONFLICT DO UPDATE SET since = excluded.since;
    END;
    INSERT INTO orphans SELECT content, CAST(strftime('%s', 'now') AS REAL)
      FROM (SELECT content FROM contents UNION SELECT content FROM embedded) AS known
      WHERE NOT EXISTS (SELECT 1 FROM photos WHERE photos.content = known.content);
    -- Cached queries do not reveal the query (search/query_cache.py). cloud: 1 if Gemini wrote the
    -- text; 2 for older vectors, where this is unknown and which are not encrypted. The daemon
    -- deletes the words stored beside older vectors from the disk.
    ALTER TABLE remembered_queries RENAME TO older_queries;
    CREATE TABLE remembered_queries(
      key BLOB PRIMARY KEY, hidden BLOB NOT NULL, cloud INTEGER NOT NULL, used_at REAL NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO remembered_queries SELECT key, vector, 2, used_at FROM older_queries
      WHERE iif(json_valid(understanding), json_extract(understanding, '$[0]'), 0) = 1;
    DROP TABLE older_queries;
    INSERT OR REPLACE INTO meta VALUES('erase', 'due');
    -- A small grey picture of each content; see sketches.py.
    CREATE TABLE sketches(content TEXT PRIMARY KEY, greys BLOB NOT NULL) WITHOUT ROWID;
    CREATE TRIGGER contents_unsketched AFTER DELETE ON contents BEGIN
      DELETE FROM sketches WHERE content = OLD.content;
    END;
    """,
}
SCHEMA = max(MIGRATIONS)  # of this version
