// What can go wrong, by the code of the program: what it means, and what to do about it in the window. The program's own message, with
// its names and figures, is shown between the two. `problems.de.ts` must have the same codes: the compiler says so.
export const problems = {
  // The service and its folder.
  folder_missing: {
    title: "The folder is not there",
    hint: "Check that its disk or network drive is connected. If it has moved, add it anew in the Instances room.",
  },
  not_a_folder: { title: "This is not a folder", hint: "Choose the folder that the service lives in." },
  nothing_to_back_up: {
    title: "Nothing to back up here",
    hint: "Check that the disk is connected, that this is the service’s folder, and that the excludes leave something.",
  },
  nothing_read: {
    title: "Nothing could be read",
    hint: "Check that the service’s folder is there and readable: the Instances room shows every source.",
  },
  bad_configuration: {
    title: "The configuration cannot be read",
    hint: "Correct the file that is named above, and try again.",
  },
  bad_glob: {
    title: "This is not a pattern",
    hint: "Write patterns like logs/** or *.tmp, one a line, relative to the instance’s folder.",
  },
  bad_name: {
    title: "A file’s name cannot be kept in an archive",
    hint: "Rename the file, or exclude it: Instances, Edit, Left out.",
  },
  attributes_too_large: {
    title: "A file has too many extended attributes",
    hint: "Remove some of them, or exclude the file: Instances, Edit, Left out.",
  },
  database_missing: {
    title: "A database is not there",
    hint: "Check whether the service moved it: the Instances room shows every source.",
  },
  database_forbidden: {
    title: "A database may not be read",
    hint: "Give this user read access by group, or run Holdfast as the service’s user.",
  },
  database_not_a_file: {
    title: "A database is not a regular file",
    hint: "Exclude it (Instances, Edit, Left out), or have the service name the real file.",
  },
  database_busy: {
    title: "A database was in use",
    hint: "Try again when it is quieter, or let the backup wait for it: Instances, Edit, Backup.",
  },
  database_moving: {
    title: "A database was replaced while it was copied",
    hint: "Wait until whatever replaces the file has finished, and try again.",
  },
  database_failed: {
    title: "A database cannot be used",
    hint: "Check the database and its disk with the service stopped, and try again.",
  },
  no_hook: { title: "There is no such command", hint: "Set one and save it first." },
  hook_test_failed: {
    title: "The command did not do well",
    hint: "Mend the line: as it is, the backup or restore around it would fail or warn.",
  },
  before_hook_failed: {
    title: "The command before the backup failed",
    hint: "Nothing was captured. Run the line by hand, and correct or empty it: Instances, Edit, Commands.",
  },
  not_started: {
    title: "It failed, and the service may not be running",
    hint: "Start the service by hand first. What failed is in the message: correct the commands under Instances, Edit, Commands, or look at the archive.",
  },
  hook_failed: {
    title: "A command of the instance failed",
    hint: "Run the line by hand, and correct or empty it: Instances, Edit, Commands.",
  },
  busy: { title: "The instance is in use", hint: "Wait until the other run has ended, or cancel it, and try again." },

  // Files and disks.
  missing: {
    title: "Something is not there",
    hint: "Check the place that is named above; a drive may not be connected.",
  },
  forbidden: {
    title: "Access is refused",
    hint: "Check the owner and mode of the place that is named above, and whether links lead there.",
  },
  no_space: {
    title: "Not enough room",
    hint: "Free some space there, or use another place. Nothing that was kept before is lost.",
  },
  read_only: {
    title: "The place is read-only",
    hint: "Mount it for writing, or use another folder.",
  },
  in_use: {
    title: "Something is in use",
    hint: "Stop the service, or wait until the other run has ended, and try again.",
  },
  io: { title: "A file cannot be used", hint: "Check the disk and the place that is named above, and try again." },
  not_empty: { title: "The folder is not empty", hint: "Choose an empty folder, or a new one." },

  // Destinations.
  destination_disabled: {
    title: "The destination takes no new archives",
    hint: "Switch it on in the Destinations room, or back up to another one.",
  },
  bad_destination: {
    title: "The destination is not set up rightly",
    hint: "Correct its settings: Edit, in the Destinations room. Its archives stay.",
  },
  authentication: {
    title: "The destination did not accept the credentials",
    hint: "Set the user name and the secret again: Edit, in the Destinations room. The account may also be locked or have expired.",
  },
  trust: {
    title: "The server is not one that is trusted",
    hint: "Test it in the Destinations room, and compare the fingerprint that it presents. If it was another one before, find out first why it changed.",
  },
  unreachable: {
    title: "The destination cannot be reached",
    hint: "Check its address or folder, and the network or the disk. Test, in the Destinations room, shows each step.",
  },
  timeout: {
    title: "The destination did not answer in time",
    hint: "Try again later; look after the server if it stays silent, or give it longer: Edit, in the Destinations room.",
  },
  exists: { title: "There is an archive of this name already", hint: "Try again: the next one gets another name." },
  throttled: {
    title: "The destination asks to slow down",
    hint: "Try again later; a bandwidth limit keeps it from asking.",
  },
  truncated: {
    title: "The destination delivered less than it should",
    hint: "Try again; verify the archive if it happens twice.",
  },
  protocol: {
    title: "The destination answered something unexpected",
    hint: "Test it in the Destinations room, and look at each step.",
  },

  // Archives.
  no_archive: { title: "This run left no archive", hint: "Choose another one in the Restore room." },
  no_archive_name: {
    title: "That has no archive's name",
    hint: "Holdfast deletes nothing but archives. Remove other files by hand.",
  },
  archive_gone: {
    title: "The archive is not there any more",
    hint: "Look again at what its destination has: Destinations, Archives, Look again.",
  },
  not_in_catalogue: {
    title: "The archive is not known here",
    hint: "Look again at what its destination has: Destinations, Archives, Look again.",
  },
  pinned: {
    title: "The archive is pinned",
    hint: "Unpin it first if it may go: Destinations, Archives.",
  },
  digest_differs: {
    title: "The archive is not what was written",
    hint: "Use a copy at another destination, and look after the disk of this one.",
  },
  no_key: {
    title: "The archive is encrypted, and its key is not here",
    hint: "The recovery kit of the installation that made it has the key. A fresh installation imports it in the Keys room.",
  },
  wrong_key: {
    title: "None of the keys here opens this archive",
    hint: "It was made for other recipients: the recovery kit of the installation that made it has the key.",
  },
  no_passphrase: {
    title: "The archive is encrypted with a passphrase",
    hint: "Give the passphrase that it was made with.",
  },
  wrong_passphrase: {
    title: "The passphrase is wrong, or the file is damaged",
    hint: "Try the passphrase again. If it is surely right, use another copy of the archive.",
  },
  not_an_archive: {
    title: "This is not an archive of Holdfast",
    hint: "Choose a file called backup-….tar.gz or .tar.zst, or either with .age.",
  },
  unknown_version: {
    title: "The archive is of a newer format",
    hint: "Use a newer version of Holdfast, or the commands in the archive’s README.txt.",
  },
  archive_refused: {
    title: "The archive is damaged, or was tampered with",
    hint: "Use another archive, or a copy of this one at another destination. Nothing was restored from it.",
  },

  // Restores.
  confirmation: { title: "The confirmation is not right", hint: "Type the name exactly as it is shown." },
  unsigned: {
    title: "Nobody signed this archive",
    hint: "If you know where it comes from, tick that you trust it all the same.",
  },
  unknown_signer: {
    title: "The archive is signed by an unknown key",
    hint: "If you know whose key it is, tick that you trust it, or add the signer in the Keys room.",
  },
  claim: {
    title: "The archive is not what it claims to be",
    hint: "If this is what you want all the same, tick that you accept it.",
  },
  component_unusable: {
    title: "A component is not whole in this archive",
    hint: "Choose an archive in which it is whole, or leave the component out.",
  },
  bad_target: {
    title: "A place cannot be restored to",
    hint: "Nothing was changed. Look at the plan, and at the sources in the Instances room.",
  },
  page_size: {
    title: "The database is open, and its pages are of another size",
    hint: "Nothing was changed. Stop the service and try again.",
  },
  same_file: {
    title: "Two names of one file",
    hint: "Nothing was changed. Restore the component of one of them; a database should have one name only.",
  },
  restore_unfinished: {
    title: "An earlier restore is not ended",
    hint: "Mend what the reason says and restore again. Where that cannot be done, move the folder that is named above elsewhere and keep it: it holds what was there before.",
  },
  replaced_meanwhile: {
    title: "Another program replaced a file meanwhile",
    hint: "Stop the service and try again.",
  },
  content_differs: {
    title: "A file does not hold what was expected",
    hint: "Everything is as it was before. Check the disk, and verify the archive.",
  },
  check_failed: {
    title: "What came from the archive does not pass its check",
    hint: "Everything is as it was before. Choose another archive, or drill this one.",
  },
  not_undoable: {
    title: "This cannot be undone",
    hint: "Only the newest restore of an instance can: the History room shows it. The safety backups remain.",
  },
  rollback_failed: {
    title: "The restore failed, and so did taking it back",
    hint: "Stop the service and start Holdfast again: it goes on taking it back. The safety backup has everything.",
  },

  // Keys.
  not_initialised: {
    title: "There are no keys yet",
    hint: "Make them in the Keys room, or import a recovery kit there.",
  },
  already_initialised: {
    title: "This installation has keys already",
    hint: "A recovery kit is imported into a fresh installation only.",
  },
  bad_kit: {
    title: "This is not a recovery kit",
    hint: "Choose the text file that the Keys room saved as recovery kit.",
  },
  last_recipient: {
    title: "The last recipient stays",
    hint: "Without one nobody could open the archives. Add another one first.",
  },
  no_recipient: {
    title: "There is nobody to encrypt for",
    hint: "Add a recipient in the Keys room.",
  },
  keyring_absent: {
    title: "No keyring answers in this session",
    hint: "Log in to a desktop session with a keyring, or start Holdfast with HOLDFAST_KEYRING=file to keep keys in its data folder.",
  },
  keyring_locked: {
    title: "The keyring is locked",
    hint: "Unlock it (log in, or open your password manager), and try again.",
  },
  keyring_failed: { title: "The keyring does not work", hint: "Look after the keyring service, and try again." },
  keys_unavailable: {
    title: "The keys of this installation are not in the keyring",
    hint: "Restore the keyring, or import the recovery kit into a fresh installation. No new keys are made by accident.",
  },
  keys_wrong: {
    title: "The keyring holds other keys than this installation’s",
    hint: "Restore the keyring, or import the recovery kit into a fresh installation.",
  },

  // Schedules.
  bad_cron: {
    title: "This is no time pattern that cron knows",
    hint: "It takes five fields: minute, hour, day of month, month, day of week. 0 3 * * * is every day at three.",
  },
  impossible_cron: {
    title: "No day ever matches this pattern",
    hint: "Correct day and month: as it is, the schedule would never run.",
  },
  unknown_zone: {
    title: "There is no such time zone",
    hint: "Use a name such as Europe/Berlin, America/New_York or UTC.",
  },
  interval_too_short: { title: "This is too often", hint: "A minute is the shortest interval." },
  bad_duration: { title: "This is no length of time", hint: "Give one such as 90s, 15m, 6h, 1h30m or 2d." },
  unknown_cadence: {
    title: "Nobody knows when this schedule is due",
    hint: "Its times come from an extension that this program was started without. Give the schedule other times, or remove it.",
  },
  schedule_without_instance: {
    title: "The instance of this schedule is gone",
    hint: "Give the schedule another one, or remove it.",
  },
  schedule_without_destination: {
    title: "This schedule has no destination that takes archives",
    hint: "Enable one in the Destinations room, or give the schedule another one.",
  },
  schedule_lacks_destination: {
    title: "Some destinations of this schedule are gone or disabled",
    hint: "Enable them in the Destinations room, or name the ones that the schedule should have.",
  },
  nothing_to_check: {
    title: "There is no archive that could be checked",
    hint: "Back up to this destination first.",
  },
  archive_bad: {
    title: "The archive that was checked is not good",
    hint: "Back up again now, keep the copy at another destination, and look after the disk of this one.",
  },
  incomplete: {
    title: "Not everything is in the archive",
    hint: "Mend what it says and back up again. The archive of this run is kept.",
  },
  interrupted: {
    title: "The program ended in the middle of this run",
    hint: "Nothing half-done is left; a scheduled run is made again once, if it is not too late for it.",
  },
  job_store_newer: {
    title: "The schedules belong to a newer version of Holdfast",
    hint: "Use the newer version; this one runs no schedule and leaves them alone.",
  },
  job_store_busy: {
    title: "Another process keeps the store of schedules locked",
    hint: "Try again; if it happens twice, look for a process that has backup_jobs.db open.",
  },
  job_store_corrupt: {
    title: "The store of schedules is damaged: no schedule runs",
    hint: "Move backup_jobs.db away from the data folder and add the schedules again. Backups and their history are not in it.",
  },
  job_store_read_only: {
    title: "The store of schedules cannot be written: no schedule runs",
    hint: "Check owner and mode of backup_jobs.db in the data folder, and whether its disk is mounted for writing.",
  },
  job_store_failed: {
    title: "The store of schedules cannot be used",
    hint: "Look at the data folder: its disk may be full or read-only.",
  },

  // Input, and the program itself.
  unknown: {
    title: "There is no such thing",
    hint: "It may have been renamed or removed meanwhile: open the room again to see what there is.",
  },
  taken: { title: "This is there already", hint: "Choose another name, or remove the one that is there first." },
  bad_value: { title: "This value cannot be used", hint: "Correct it and try again." },
  cancelled: { title: "Cancelled", hint: "Nothing was left half done; start it again when you like." },
  bad_policy: {
    title: "This cannot be a retention policy",
    hint: "Correct what is named above.",
  },
  retention_busy: {
    title: "Old archives are being deleted there already",
    hint: "Wait until that has ended, and look what is left.",
  },
  not_deleted: {
    title: "Not every old archive could be deleted",
    hint: "Mend what is named above; they are tried again after the next backup.",
  },
  archive_in_use: {
    title: "The archive is being read",
    hint: "Wait until the restore or the check has ended, and try again.",
  },
  archive_changed: {
    title: "The archive is not the file that was recorded",
    hint: "It was left alone. Verify it in the History room, and delete it by hand if it may go.",
  },
  autostart: {
    title: "The start with the desktop session could not be changed",
    hint: "The setting is kept. Correct this and set it once more.",
  },
  act_running: { title: "This is running already", hint: "Wait until it has ended, or cancel it." },
  store_newer: {
    title: "The data folder belongs to a newer version of Holdfast",
    hint: "Use the newer version; this one leaves the folder alone.",
  },
  store_failed: {
    title: "Holdfast’s own records cannot be used",
    hint: "Look at the data folder: its disk may be full or read-only. No archive is lost with them.",
  },
  store_read_only: {
    title: "The data folder cannot be written",
    hint: "Make it writable for this user again. Until then nothing can be recorded; archives at their destinations are whole.",
  },
  store_full: {
    title: "The disk of the data folder is full",
    hint: "Free some space on it, and try again. Archives at their destinations are whole.",
  },
  store_busy: {
    title: "Another process of Holdfast is writing its records",
    hint: "Try again; if it happens twice, look for a process that hangs.",
  },
  usage: {
    title: "Holdfast was started with a setting that it cannot use",
    hint: "Correct what is named above where Holdfast is started, and start it again.",
  },
  no_data_folder: {
    title: "There is no place for Holdfast’s own data",
    hint: "Set HOLDFAST_DATA_DIR to a folder of your own, and start again.",
  },
  internal: {
    title: "Something is not as it should be",
    hint: "This is a defect in Holdfast: please report it with what you did and the message above.",
  },
};

export type Problems = { [K in keyof typeof problems]: { title: string; hint: string } };
