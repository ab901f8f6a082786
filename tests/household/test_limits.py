"""Each limit of a count in the code, and the test that exceeds it.

A number that a module of `index`, `search`, `watch`, `alerts`, `protocol` or `decode` names in
capitals counts as a limit unless this table gives a reason why not. A new limit needs a test in
which people's libraries or habits exceed it, and a line here.
"""

from __future__ import annotations

import ast
import fnmatch
import itertools

import pytest

from tests.conftest import ROOT
from tests.household.limits import limits

HERE = "tests/household/test_crossings.py::"
# 3,000 photos are compared, read, encoded, committed and searched by these.
WHOLE = "tests/household/test_indexed.py::test_every_path_ends_as_it_must"
FIRST_PHOTOS = "tests/index/test_reconciler.py::test_the_first_photos_do_not_wait_for_the_others"
PAGES = HERE + "test_all_pages_together_show_every_photo_once"
CROWD = HERE + "test_more_clients_than_places_are_all_answered"
LARGE = "tests/household/test_large.py::test_a_hundred_thousand_files"
FLUSHED = "tests/index/test_flushed.py::"
FACETS = "tests/search/test_facets.py::"
CODES = "tests/index/test_codes.py::"
FINDING = "tests/search/test_dates_in_texts.py::test_long_texts_are_read_in_part"
READING = "tests/search/test_reading.py::"
SUBSCRIBERS = HERE + "test_more_subscribers_than_there_is_room_for"
WHOLE_GROUP = "tests/search/test_duplicates.py::test_a_group_is_whole_however_large"
METADATA_LIMITS = "tests/decode/test_words_of_photos.py::test_numbers_and_lengths_have_limits"
DAMAGED_IPTC = "tests/decode/test_words_of_photos.py::test_damaged_iptc_costs_no_other_fact"
GPS_ZONES = "tests/decode/test_date_taken.py::test_gps_tells_the_zone_of_a_clock_without_one"
REREADING = "tests/index/test_rereading.py::test_what_was_interrupted_is_continued"
FILE_NAMES = "tests/index/test_moments.py::test_the_name_of_a_file"
CALIBRATED = "tests/search/test_calibration.py::"

CROSSED = {
    "index/placing.py:BATCH": "tests/index/test_placing.py::test_twenty_thousand_photos",
    "index/placing.py:WRITTEN_AT_ONCE": "tests/index/test_placing.py::test_queries_run_first",
    "index/catalog.py:PAGE": HERE + "test_new_photos_by_the_hundred_are_all_judged",
    "index/refining.py:BATCH": "tests/index/test_refining.py::test_more_than_one_batch",
    "decode/previews.py:MAX_PAGES": (
        "tests/decode/test_previews.py::test_the_pages_of_a_scan_are_no_previews"
    ),
    "decode/jxl_header.py:MAX_BOXES": (
        "tests/decode/test_jxl_header.py::test_not_all_of_a_container_is_searched"
    ),
    "index/retention.py:AT_ONCE": HERE + "test_new_photos_by_the_hundred_are_all_judged",
    "index/committer.py:ROWS": WHOLE,
    "index/contents.py:PARAMETERS": LARGE,
    "index/catalog.py:PARAMETERS": WHOLE,
    "search/duplicate_groups.py:BLOCK": WHOLE_GROUP,
    "search/duplicate_groups.py:FETCHED": WHOLE_GROUP,
    "index/sketches.py:AT_ONCE": WHOLE_GROUP,
    "index/committer.py:MAX_REFUSALS": (
        "tests/index/test_faults.py::test_a_row_that_cannot_be_written_delays_no_other"
    ),
    "index/committer.py:AT_ONCE": LARGE,
    "index/table_inspection.py:BATCH": LARGE,
    "index/table_inspection.py:VECTORS_TRIED": LARGE,
    "index/matrix.py:AT_ONCE": LARGE,
    "index/pipeline.py:BATCH_TILES": WHOLE,
    "index/leases.py:FETCH": WHOLE,
    "index/retries.py:DEATHS": (
        "tests/index/test_pipeline.py::test_only_the_photo_that_crashes_the_encoder_is_quarantined"
    ),
    "index/codes.py:AT_ONCE": CODES + "test_the_nearest_are_those_of_float32",
    "index/codes.py:MANY_AT_ONCE": CODES + "test_the_nearest_are_those_of_float32",
    "index/codes.py:MANY_BYTES": CODES + "test_the_nearest_are_those_of_float32",
    "index/codes.py:MAX_EXACT": CODES + "test_very_many_as_near_as_each_other",
    "index/flushed.py:BATCH": LARGE,
    "index/comparer.py:BATCH": WHOLE,
    "index/reconciler.py:MAX_LINKS": "tests/index/test_links.py::test_links_into_a_renamed_folder",
    "index/table.py:IN_ONE_LIST": HERE + "test_more_contents_than_one_statement_names",
    "index/vectors.py:BATCH": LARGE,
    "index/vectors.py:CALM_SHARE": (
        FLUSHED + "test_recent_rows_are_flushed_once_nothing_is_written"
    ),
    "index/vectors.py:COMPACT_EVERY": HERE + "test_more_commits_than_versions_are_kept",
    "index/vectors.py:MOVED_AT_ONCE": FLUSHED + "test_very_many_that_move_stay_where_they_are",
    "index/vectors.py:RAM_BYTES": FLUSHED + "test_it_takes_over_and_finds_the_same",
    "search/calibration.py:AT_ONCE": LARGE,
    "search/calibration.py:FEW": CALIBRATED + "test_a_library_that_grows_is_calibrated_again",
    "search/calibration.py:MANY": CALIBRATED + "test_many_photos_are_judged_by_a_lower_share",
    "search/calibration.py:SAMPLE": LARGE,
    "search/dates/__init__.py:LONGEST": HERE + "test_long_dates_are_refused_in_words",
    "search/dates/grammar.py:MAX_TOKENS": HERE + "test_long_dates_are_refused_in_words",
    "search/dates/grammar.py:MAX_WAYS": HERE + "test_long_dates_are_refused_in_words",
    "search/dates/finding.py:MAX_CHARACTERS": FINDING,
    "search/dates/finding.py:LONGEST_PHRASE": FINDING,
    "search/dates/finding.py:LONGEST_LISTED": FINDING,
    "search/dates/finding.py:LONGEST_WORDS": FINDING,
    "search/dates/finding.py:MAX_PATHS": FINDING,
    "search/retrieval.py:FEW_PASSING": (
        "tests/search/test_conditions.py::test_names_are_filtered_however_many_pass"
    ),
    "search/retrieval.py:FEW_NAMED": (
        "tests/search/test_conditions.py::test_names_are_filtered_however_many_pass"
    ),
    "search/keyboard_layouts.py:MAX_NEAR_WORDS": (
        "tests/search/test_keyboard_layouts.py::test_only_the_first_words_get_other_spellings"
    ),
    "search/keyboard_layouts.py:MIN_NEAR_LETTERS": (
        "tests/search/test_keyboard_layouts.py::test_a_word_like_a_tag_or_a_person_is_named"
    ),
    "search/reading.py:MAX_NAMESAKES": (
        READING + "test_a_first_name_that_others_have_is_not_read"
    ),
    "search/reading.py:MAX_WORDS": READING + "test_only_the_first_words_are_read",
    "search/reading.py:LONGEST_VALUE": READING + "test_values_of_up_to_five_words",
    "search/reading.py:SHORTEST_VALUE": READING + "test_questions_are_read",
    "index/sidecars.py:AT_ONCE": (
        "tests/index/test_sidecars.py::test_one_that_cannot_be_read_hides_no_other"
    ),
    "index/sidecars.py:REQUESTS": WHOLE,
    "index/vocabulary.py:LOOKED_AT": (
        "tests/index/test_vocabulary.py::test_suggestions_look_at_the_most_frequent_names"
    ),
    "index/rereading.py:BATCH": REREADING,
    "index/rereading.py:AT_ONCE": REREADING,
    "index/sidecars.py:BATCH": LARGE,
    "index/path_dates.py:COMPACT_YEAR": FILE_NAMES,
    "index/path_dates.py:COMPACT_MONTH_YEAR": (
        "tests/index/test_moments.py::test_the_names_of_folders"
    ),
    "index/path_dates.py:EARLIEST_YEAR": FILE_NAMES,
    "index/path_dates.py:FOLDERS": (
        "tests/index/test_moments.py::test_only_the_nearest_folders_count"
    ),
    "index/sidecars.py:COPIES": (
        "tests/index/test_sidecars.py::test_the_sidecars_of_many_copies_are_merged"
    ),
    "search/names.py:MAX_WORDS": (
        "tests/search/test_names.py::test_questions_and_names_of_many_words"
    ),
    "search/names.py:MAX_DIGITS": (
        "tests/search/test_names.py::test_a_number_of_a_camera_needs_no_zeros"
    ),
    "search/names.py:FIRST_ROWS": (
        "tests/search/test_names.py::test_a_word_of_thousands_costs_what_is_shown"
    ),
    "search/names.py:ROWS_AT_ONCE": (
        "tests/search/test_names.py::test_a_word_of_thousands_costs_what_is_shown"
    ),
    "search/names.py:LOOKED_UP_AT_ONCE": (
        "tests/search/test_names.py::test_a_word_of_thousands_costs_what_is_shown"
    ),
    "search/facets.py:MAX_CAMERAS": (
        "tests/search/test_facets.py::test_thousands_of_cameras"
    ),
    "search/facets.py:LOOKED_UP_AT_ONCE": (
        FACETS + "test_the_first_values_are_the_most_frequent"
    ),
    "search/retrieval.py:FIRST_GOOD": FACETS + "test_all_good_matches_are_found_however_many",
    "search/retrieval.py:FILTERED_AT_ONCE": PAGES,
    "search/retrieval.py:FILTERED_FIRST": PAGES,
    "watch/__main__.py:BATCH": WHOLE,
    "watch/filesystem_workers.py:BATCH": WHOLE,
    "watch/filesystem_workers.py:FIRST_BATCH": FIRST_PHOTOS,
    "index/comparer.py:FIRST_BATCH": FIRST_PHOTOS,
    "index/comparer.py:MAX_AWAITED": (
        "tests/index/test_links.py::test_links_that_were_made_before_their_photos"
    ),
    "watch/filesystems.py:MAX_DIRECTORIES": (
        "tests/watch/test_resolving.py::test_following_with_known_directories"
    ),
    "search/parsing.py:MAX_TERMS": HERE + "test_what_is_too_long_to_ask_is_refused_in_words",
    "search/paging.py:KEPT": HERE + "test_a_forgotten_page_is_refused_in_words",
    "search/query_cache.py:KEPT": "tests/search/test_query_cache.py::test_the_newest_are_kept",
    "search/query_cache.py:RECENT": "tests/search/test_query_cache.py::test_the_newest_are_kept",
    "search/retrieval.py:OVERSAMPLE": (
        "tests/search/test_engine.py::test_gone_photos_do_not_take_the_places_of_others"
    ),
    "alerts/album.py:AT_ONCE": (
        "tests/alerts/test_albums.py::test_an_album_on_a_share_that_hangs_delays_no_other"
    ),
    "alerts/album.py:NAME_BYTES": (
        "tests/alerts/test_albums.py::test_photos_of_one_name_have_room"
    ),
    "alerts/matching.py:BATCH": HERE + "test_new_photos_by_the_hundred_are_all_judged",
    "alerts/alert_store.py:MAX_ALERTS": (
        HERE + "test_the_hundred_and_first_standing_query_is_refused"
    ),
    "alerts/alerts.py:PAGE": HERE + "test_a_stream_of_many_matches_is_read_to_its_end",
    "protocol/caller.py:AT_ONCE": HERE + "test_one_client_may_ask_for_everything_at_once",
    "protocol/caller.py:REQUEST_LIMIT": "tests/protocol/test_parsing.py::test_hostile_lines",
    "protocol/requests.py:MAX_QUERY_CHARACTERS": (
        HERE + "test_what_is_too_long_to_ask_is_refused_in_words"
    ),
    "protocol/server.py:CONNECTIONS": (
        "tests/protocol/test_server.py::test_more_connections_than_places_push_out_idle_ones"
    ),
    "protocol/server.py:AT_ONCE": "tests/darwin/test_descriptors.py::"
    "test_many_idle_clients_do_not_keep_a_query_from_its_answer",
    "protocol/server.py:QUERIES": CROWD,
    "protocol/server.py:OTHERS": CROWD,
    "protocol/server.py:STREAMS": CROWD,
    "protocol/server.py:PICTURES": (
        "tests/e2e/test_thumbnails.py::test_a_flood_of_thumbnails_delays_no_other"
    ),
    "protocol/server.py:SUBSCRIPTIONS": SUBSCRIBERS,
    "protocol/server.py:WAITING": SUBSCRIBERS,
    "protocol/server.py:IN_FLIGHT_EACH": SUBSCRIBERS,
    "decode/decoder.py:RECYCLE_AFTER": (
        "tests/decode/test_deaths.py::test_decoders_are_renewed_after_many_files"
    ),
    "decode/texts.py:LAST_ALPHABET": (
        "tests/decode/test_words_of_photos.py::test_encodings_are_recognised"
    ),
    "decode/texts.py:MAX_CHARACTERS": (
        "tests/decode/test_facts.py::test_text_is_short_printable_and_valid"
    ),
    "decode/date_taken.py:EARLIEST_YEAR": (
        "tests/decode/test_date_taken.py::test_dates_are_understood_or_left_out"
    ),
    "decode/date_taken.py:FIX_SECONDS": GPS_ZONES,
    "decode/date_taken.py:MAX_ZONE_SECONDS": GPS_ZONES,
    "decode/date_taken.py:SUN_SECONDS": GPS_ZONES,
    "decode/geometry.py:MAX_TILES": (
        "tests/decode/test_geometry.py::test_an_absurdly_long_picture_still_gives_three_squares"
    ),
    "decode/lane.py:MAX_WAITING": (
        "tests/decode/test_pool.py::test_too_many_waiting_files_are_refused"
    ),
    "decode/raw.py:ENOUGH_PIXELS": (
        "tests/decode/test_raw.py::test_the_largest_preview_is_the_photo"
    ),
    "decode/raw.py:MAX_STARTS": HERE + "test_sensor_data_that_looks_like_many_jpegs",
    "decode/iptc.py:MAX_RECORDS": DAMAGED_IPTC,
    "decode/texts.py:CAPTION_CHARACTERS": METADATA_LIMITS,
    "decode/texts.py:MAX_BYTES": METADATA_LIMITS,
    "decode/texts.py:MAX_WORDS": METADATA_LIMITS,
    "decode/texts.py:NAME_CHARACTERS": METADATA_LIMITS,
    "decode/texts.py:TITLE_CHARACTERS": METADATA_LIMITS,
    "decode/xmp.py:MAX_BYTES": "tests/decode/test_words_of_photos.py::test_hostile_xmp_is_refused",
    "decode/xmp.py:MAX_DEPTH": "tests/decode/test_words_of_photos.py::test_hostile_xmp_is_refused",
    "decode/xmp.py:MAX_ELEMENTS": (
        "tests/decode/test_words_of_photos.py::test_hostile_xmp_is_refused"
    ),
    "decode/sidecar_files.py:MAX_BYTES": (
        "tests/decode/test_facts.py::test_a_sidecar_that_is_no_file_is_ignored"
    ),
    "watch/ignore.py:IGNORE_FILE_BYTES": (
        "tests/watch/test_ignore.py::test_an_ignore_file_that_cannot_be_read_hides_its_directory"
    ),
    "watch/ignore.py:IGNORE_FILE_LINES": HERE + "test_a_very_long_ignore_file_hides_its_directory",
    "watch/ignore.py:LINE_CHARACTERS": HERE + "test_a_very_long_ignore_file_hides_its_directory",
    "watch/ignore.py:MAX_DEPTHS": (
        "tests/watch/test_patterns.py::test_too_many_depths_are_refused_in_words"
    ),
}  # fmt: skip

NO_LIMIT = {
    "a number in a formula": (
        "index/codes.py:MAX_CODE", "index/codes.py:GATHER", "index/labels.py:OF_KIND",
        "search/facets.py:MONTHS", "search/facets.py:EPOCH_YEAR", "search/retrieval.py:FURTHER",
        "index/flushed.py:TILES_SPARE",
        "decode/coordinates.py:DIGITS", "decode/facts.py:EMPTY_EXIF_BYTES",
        "decode/date_taken.py:DEGREE_SECONDS", "decode/date_taken.py:QUARTER_SECONDS",
        "watch/sidecar_stamps.py:WORTH",
        "index/sketches.py:SIDE", "index/sketches.py:READ_AT", "index/sketches.py:SMOOTH",
        "index/matrix.py:GATHER", "search/fusion.py:K",
        "decode/pixels.py:JPEG_QUALITY", "decode/limits.py:MIB",
        "decode/limits.py:OTHER_BYTES_PER_PIXEL",
        "decode/limits.py:FILE_SHARE",
        "watch/responsiveness.py:CALL_PINGS", "watch/responsiveness.py:QUIET_PINGS",
        "decode/decoder.py:SLOW_SHARE_FACTOR", "decode/decoder.py:HUNG",
        "decode/heif_tiles.py:GREYS",
    ),
    "so many beside each other; more only wait their turn": (
        "index/pipeline.py:BATCHES_IN_ENCODER",
        "index/database.py:READERS", "index/codes.py:THREADS",
        "watch/filesystem_workers.py:WAITING", "watch/filesystem.py:LEFT_BEHIND",
        "alerts/delivery.py:AT_ONCE", "decode/pool.py:URGENT_WORKERS",
        "decode/pool.py:PICTURE_WORKERS", "alerts/delivery.py:PAGE", "index/refining.py:AT_ONCE",
    ),
    "so many times something is tried or done": (
        "index/contents.py:DRAWN", "index/store_damage.py:GENERATIONS", "index/committer.py:TRIES",
        "index/reencoding.py:MAX_TRIES", "index/database.py:ERASE_TRIES",
        "index/database.py:LOCK_SECONDS",
        "index/vectors.py:COMPACTIONS", "search/engine.py:WARM_UP_QUERIES",
        "search/calibration.py:REST_TIMES",
        "search/dates/forms.py:AROUND", "protocol/__init__.py:QUERY_DEADLINE_MS",
        "protocol/endpoint.py:LOCK_TRIES",
        "watch/watcher.py:PROBES_BETWEEN_COUNTS",
    ),
    "room of a cache or a buffer; what does not fit is read again": (
        "index/table.py:INDEX_CACHE", "search/keyboard_layouts.py:NEAR_KEPT",
        "search/dates/tokens.py:CHARACTERS_KEPT",
        "index/table.py:METADATA_CACHE", "protocol/connection.py:CHUNK",
        "watch/filesystem_calls.py:CHUNK", "decode/sidecar_files.py:CHUNK",
        "watch/sidecar_stamps.py:DIRECTORIES", "decode/colour.py:PROFILES_KEPT",
        "decode/raw.py:METADATA_BYTES", "decode/raw.py:HEADER_BYTES", "decode/colour.py:ROWS",
        "decode/colour.py:SAMPLED", "decode/limits.py:END_BYTES",
        "decode/jxl_header.py:HEADER_BYTES",
        "alerts/command_runner.py:OUTPUT_BYTES", "alerts/command_runner.py:ROOM",
        "alerts/delivery.py:WORDS_BYTES",
    ),
    "a code, a version, a flag, a day or a month": (
        "decode/messages.py:FACTS_VERSION", "decode/facts.py:IPTC_*",
        "decode/facts.py:XMP_TAG", "decode/facts.py:XP_*", "decode/heif_tiles.py:SHOWN",
        "decode/heif_tiles.py:FLAGS", "decode/previews.py:MP_ENTRIES",
        "decode/previews.py:REDUCED", "decode/previews.py:MASK", "decode/light.py:*",
        "decode/iptc.py:[ABCHKORS]*", "decode/motion.py:VIDEO",
        "decode/colour.py:LAB", "decode/jxl_header.py:[ADG]*",
        "search/query_cache.py:SALT_BYTES", "search/query_cache.py:OLDER",
        "protocol/caller.py:PROTOCOL",
        "alerts/command_runner.py:TAKEN",
        "alerts/command_runner.py:REFUSED",
        "index/filters.py:BEST_RATING", "index/placing.py:NICENESS",
        "watch/filesystem_calls.py:ENTRY", "watch/filesystem_calls.py:LINK",
        "watch/filesystem_calls.py:UNREADABLE",
        "watch/filesystem_calls.py:LIBRARY", "watch/volumes.py:ATTR_VOL_*",
        "search/dates/holidays.py:*", "search/dates/periods.py:*",
    ),
    "a limit of the system's, recommended or asked for": (
        "watch/watch_limits.py:RECOMMENDED_WATCHES", "watch/watch_limits.py:RECOMMENDED_INSTANCES",
        "watch/spelling.py:PATH_BYTES", "protocol/endpoint.py:BACKLOG",
        "decode/__main__.py:OPEN_FILES",
    ),
    "against what is no photosd or no person: out of reach of honest use": (
        "protocol/connection.py:REPLY_LIMIT", "alerts/album.py:MAX_NAMESAKES",
        "alerts/alerts.py:KEPT_UNREAD", "search/calibration.py:SHAPES",
        "decode/pool.py:LARGEST",
    ),
    "so few that they say nothing": (
        "index/comparison.py:FEWEST",
        "search/likeness.py:FEW", "search/text_index.py:FEW"),
    # Passed by the tests of search by name, of duplicates and of identity (tests/search,
    # tests/index), where they decide what is found.
    "decides what is found, and its own tests pass it": (
        "search/text_index.py:COMMON", "search/text_index.py:SHORTEST*",
        "search/retrieval.py:DEEPER", "search/retrieval.py:LOOKED_AT",
        "search/place_names.py:SHORTEST",
        "search/spellings.py:SHORTEST_BARE", "search/spellings.py:LONGEST_PREFIX",
        "search/paging.py:AHEAD", "watch/mounts.py:MAX_LINKS",
        "search/retrieval.py:HINTED", "search/conditions.py:MAX_HINTS",
        "search/retrieval.py:MAX_NAMED", "search/likeness.py:SAMPLE",
        "index/comparison.py:SAMPLE",
    ),
}  # fmt: skip


def test_every_limit_is_passed_by_a_test() -> None:
    """A new one needs a line above; one that has gone, its line removed."""
    found = set(limits())
    explained: set[str] = set()
    for pattern in itertools.chain(*NO_LIMIT.values()):
        matching = set(fnmatch.filter(found, pattern))
        assert matching, f"{pattern} is not there any more"
        explained |= matching
    assert found - CROSSED.keys() - explained == set(), "add a test that goes beyond, and a line"
    assert CROSSED.keys() - found == set(), "these are not there any more"
    assert CROSSED.keys() & explained == set()


@pytest.mark.parametrize("test", sorted(set(CROSSED.values())))
def test_the_tests_named_exist(test: str) -> None:
    """By file and name."""
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert name in {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}


def test_what_is_found_is_what_is_meant() -> None:
    """Calculated numbers and pairs of them, no fractions, no texts."""
    found = limits()
    assert found["index/comparer.py:BATCH"] == 1000
    assert found["index/vectors.py:RAM_BYTES"] == 64 << 20
    assert found["protocol/server.py:OTHERS"] == 16
    assert "index/reconciler.py:SUBTREE_QUIET" not in found
