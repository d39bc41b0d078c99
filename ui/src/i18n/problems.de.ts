// What can go wrong, by the code of the program, in German.
import type { Problems } from "./problems.en";

export const problems: Problems = {
  folder_missing: {
    title: "Der Ordner ist nicht da",
    hint: "Prüfen Sie, ob seine Platte oder sein Netzlaufwerk verbunden ist. Ist er umgezogen, fügen Sie ihn im Bereich Instanzen neu hinzu.",
  },
  not_a_folder: { title: "Das ist kein Ordner", hint: "Wählen Sie den Ordner, in dem der Dienst liegt." },
  nothing_to_back_up: {
    title: "Hier ist nichts zu sichern",
    hint: "Prüfen Sie, ob die Platte verbunden ist, ob dies der Ordner des Dienstes ist und ob die Ausschlüsse etwas übrig lassen.",
  },
  nothing_read: {
    title: "Nichts konnte gelesen werden",
    hint: "Prüfen Sie, ob der Ordner des Dienstes da und lesbar ist: Der Bereich Instanzen zeigt jede Quelle.",
  },
  bad_configuration: {
    title: "Die Konfiguration ist nicht lesbar",
    hint: "Berichtigen Sie die oben genannte Datei und versuchen Sie es erneut.",
  },
  bad_glob: {
    title: "Das ist kein Muster",
    hint: "Schreiben Sie Muster wie logs/** oder *.tmp, eines je Zeile, ausgehend vom Ordner der Instanz.",
  },
  bad_name: {
    title: "Ein Dateiname lässt sich nicht in ein Archiv schreiben",
    hint: "Benennen Sie die Datei um, oder schließen Sie sie aus: Instanzen, Bearbeiten, Ausgelassen.",
  },
  attributes_too_large: {
    title: "Eine Datei hat zu viele erweiterte Attribute",
    hint: "Entfernen Sie einige davon, oder schließen Sie die Datei aus: Instanzen, Bearbeiten, Ausgelassen.",
  },
  database_missing: {
    title: "Eine Datenbank ist nicht da",
    hint: "Prüfen Sie, ob der Dienst sie verschoben hat: Der Bereich Instanzen zeigt jede Quelle.",
  },
  database_forbidden: {
    title: "Eine Datenbank darf nicht gelesen werden",
    hint: "Geben Sie diesem Benutzer über die Gruppe Leserecht, oder starten Sie Holdfast als Benutzer des Dienstes.",
  },
  database_not_a_file: {
    title: "Eine Datenbank ist keine gewöhnliche Datei",
    hint: "Schließen Sie sie aus (Instanzen, Bearbeiten, Ausgelassen), oder nennen Sie dem Dienst die richtige Datei.",
  },
  database_busy: {
    title: "Eine Datenbank war in Gebrauch",
    hint: "Versuchen Sie es zu einer ruhigeren Zeit, oder lassen Sie die Sicherung warten: Instanzen, Bearbeiten, Sicherung.",
  },
  database_moving: {
    title: "Eine Datenbank wurde beim Kopieren ersetzt",
    hint: "Warten Sie, bis das Programm fertig ist, das die Datei ersetzt, und versuchen Sie es erneut.",
  },
  database_failed: {
    title: "Eine Datenbank ist nicht zu gebrauchen",
    hint: "Prüfen Sie die Datenbank und ihre Platte bei angehaltenem Dienst, und versuchen Sie es erneut.",
  },
  no_hook: { title: "Diesen Befehl gibt es nicht", hint: "Setzen Sie einen, und speichern Sie ihn zuerst." },
  hook_test_failed: {
    title: "Der Befehl ist nicht gut ausgegangen",
    hint: "Berichtigen Sie die Zeile: So würde die Sicherung oder Wiederherstellung um sie herum fehlschlagen oder warnen.",
  },
  before_hook_failed: {
    title: "Der Befehl vor der Sicherung ist fehlgeschlagen",
    hint: "Es wurde nichts gelesen. Führen Sie die Zeile von Hand aus, und berichtigen oder leeren Sie sie: Instanzen, Bearbeiten, Befehle.",
  },
  not_started: {
    title: "Es ist fehlgeschlagen, und der Dienst läuft womöglich nicht",
    hint: "Starten Sie zuerst den Dienst von Hand. Was fehlschlug, steht in der Meldung: Berichtigen Sie die Befehle unter Instanzen, Bearbeiten, Befehle, oder sehen Sie nach dem Archiv.",
  },
  hook_failed: {
    title: "Ein Befehl der Instanz ist fehlgeschlagen",
    hint: "Führen Sie die Zeile von Hand aus, und berichtigen oder leeren Sie sie: Instanzen, Bearbeiten, Befehle.",
  },
  busy: {
    title: "Die Instanz ist in Gebrauch",
    hint: "Warten Sie, bis der andere Lauf endet, oder brechen Sie ihn ab, und versuchen Sie es erneut.",
  },

  missing: {
    title: "Etwas ist nicht da",
    hint: "Prüfen Sie den oben genannten Ort; vielleicht ist ein Laufwerk nicht verbunden.",
  },
  forbidden: {
    title: "Der Zugriff wird verweigert",
    hint: "Prüfen Sie Eigentümer und Rechte des oben genannten Ortes, und ob Verknüpfungen dorthin führen.",
  },
  no_space: {
    title: "Nicht genug Platz",
    hint: "Schaffen Sie dort Platz, oder nehmen Sie einen anderen Ort. Was vorher da war, ist nicht verloren.",
  },
  read_only: {
    title: "Der Ort ist schreibgeschützt",
    hint: "Hängen Sie ihn zum Schreiben ein, oder nehmen Sie einen anderen Ordner.",
  },
  in_use: {
    title: "Etwas ist in Gebrauch",
    hint: "Halten Sie den Dienst an, oder warten Sie das Ende des anderen Laufs ab, und versuchen Sie es erneut.",
  },
  io: {
    title: "Eine Datei ist nicht zu gebrauchen",
    hint: "Prüfen Sie die Platte und den oben genannten Ort, und versuchen Sie es erneut.",
  },
  not_empty: { title: "Der Ordner ist nicht leer", hint: "Wählen Sie einen leeren oder einen neuen Ordner." },

  destination_disabled: {
    title: "Das Ziel nimmt keine neuen Archive",
    hint: "Schalten Sie es im Bereich Ziele ein, oder sichern Sie auf ein anderes.",
  },
  bad_destination: {
    title: "Das Ziel ist nicht richtig eingerichtet",
    hint: "Berichtigen Sie seine Angaben: Ziele, Bearbeiten. Seine Archive bleiben.",
  },
  authentication: {
    title: "Das Ziel hat die Anmeldung nicht angenommen",
    hint: "Geben Sie Benutzernamen und Geheimnis neu ein: Ziele, Bearbeiten. Vielleicht ist das Konto auch gesperrt oder abgelaufen.",
  },
  trust: {
    title: "Diesem Server wird nicht vertraut",
    hint: "Testen Sie ihn im Bereich Ziele, und vergleichen Sie den Fingerabdruck, den er vorlegt. War es vorher ein anderer, finden Sie erst heraus, warum.",
  },
  unreachable: {
    title: "Das Ziel ist nicht erreichbar",
    hint: "Prüfen Sie Adresse oder Ordner und Netz oder Platte. Testen, im Bereich Ziele, zeigt jeden Schritt.",
  },
  timeout: {
    title: "Das Ziel hat nicht rechtzeitig geantwortet",
    hint: "Versuchen Sie es später; bleibt der Server stumm, sehen Sie nach ihm, oder lassen Sie ihm mehr Zeit: Ziele, Bearbeiten.",
  },
  exists: {
    title: "Ein Archiv dieses Namens gibt es schon",
    hint: "Versuchen Sie es erneut: Das nächste bekommt einen anderen Namen.",
  },
  throttled: {
    title: "Das Ziel bittet um weniger Tempo",
    hint: "Versuchen Sie es später; eine Bandbreitengrenze erspart ihm die Bitte.",
  },
  truncated: {
    title: "Das Ziel hat weniger geliefert, als es sollte",
    hint: "Versuchen Sie es erneut; geschieht es wieder, prüfen Sie das Archiv.",
  },
  protocol: {
    title: "Das Ziel hat etwas Unerwartetes geantwortet",
    hint: "Testen Sie es im Bereich Ziele, und sehen Sie sich jeden Schritt an.",
  },

  no_archive: {
    title: "Dieser Lauf hat kein Archiv hinterlassen",
    hint: "Wählen Sie ein anderes im Bereich Wiederherstellen.",
  },
  no_archive_name: {
    title: "Das heißt nicht wie ein Archiv",
    hint: "Holdfast löscht nur Archive. Andere Dateien von Hand entfernen.",
  },
  archive_gone: {
    title: "Das Archiv ist nicht mehr da",
    hint: "Sehen Sie neu nach, was an seinem Ziel liegt: Ziele, Archive, Neu nachsehen.",
  },
  not_in_catalogue: {
    title: "Das Archiv ist hier nicht bekannt",
    hint: "Sehen Sie neu nach, was an seinem Ziel liegt: Ziele, Archive, Neu nachsehen.",
  },
  pinned: {
    title: "Das Archiv ist angeheftet",
    hint: "Lösen Sie es zuerst, wenn es gehen darf: Ziele, Archive.",
  },
  digest_differs: {
    title: "Das Archiv ist nicht das, was geschrieben wurde",
    hint: "Nehmen Sie eine Kopie an einem anderen Ziel, und sehen Sie nach der Platte von diesem.",
  },
  no_key: {
    title: "Das Archiv ist verschlüsselt, und sein Schlüssel ist nicht hier",
    hint: "Das Rettungsblatt der Installation, die es gemacht hat, enthält den Schlüssel. Eine frische Installation liest es im Bereich Schlüssel ein.",
  },
  wrong_key: {
    title: "Keiner der Schlüssel hier öffnet dieses Archiv",
    hint: "Es ist für andere Empfänger: Das Rettungsblatt der Installation, die es gemacht hat, enthält den Schlüssel.",
  },
  no_passphrase: {
    title: "Das Archiv ist mit einer Passphrase verschlüsselt",
    hint: "Geben Sie die Passphrase an, mit der es gemacht wurde.",
  },
  wrong_passphrase: {
    title: "Die Passphrase ist falsch, oder die Datei ist beschädigt",
    hint: "Versuchen Sie es noch einmal. Ist die Passphrase sicher richtig, nehmen Sie eine andere Kopie des Archivs.",
  },
  not_an_archive: {
    title: "Das ist kein Archiv von Holdfast",
    hint: "Wählen Sie eine Datei, die backup-….tar.gz oder .tar.zst heißt, auch mit .age.",
  },
  unknown_version: {
    title: "Das Archiv hat ein neueres Format",
    hint: "Nehmen Sie eine neuere Version von Holdfast, oder die Befehle in der README.txt des Archivs.",
  },
  archive_refused: {
    title: "Das Archiv ist beschädigt oder wurde verändert",
    hint: "Nehmen Sie ein anderes Archiv oder eine Kopie an einem anderen Ziel. Daraus wurde nichts wiederhergestellt.",
  },

  confirmation: { title: "Die Bestätigung stimmt nicht", hint: "Geben Sie den Namen genau so ein, wie er dasteht." },
  unsigned: {
    title: "Niemand hat dieses Archiv signiert",
    hint: "Wissen Sie, woher es kommt, so kreuzen Sie an, dass Sie ihm trotzdem vertrauen.",
  },
  unknown_signer: {
    title: "Das Archiv ist von einem unbekannten Schlüssel signiert",
    hint: "Wissen Sie, wem er gehört, so kreuzen Sie an, dass Sie ihm vertrauen, oder fügen Sie ihn im Bereich Schlüssel hinzu.",
  },
  claim: {
    title: "Das Archiv ist nicht, was es behauptet",
    hint: "Wollen Sie es trotzdem, so kreuzen Sie das an.",
  },
  component_unusable: {
    title: "Eine Komponente ist in diesem Archiv nicht heil",
    hint: "Wählen Sie ein Archiv, in dem sie heil ist, oder lassen Sie die Komponente weg.",
  },
  bad_target: {
    title: "An einen Ort kann nicht wiederhergestellt werden",
    hint: "Es wurde nichts geändert. Sehen Sie sich den Plan an, und die Quellen im Bereich Instanzen.",
  },
  page_size: {
    title: "Die Datenbank ist offen, und ihre Seiten sind anders groß",
    hint: "Es wurde nichts geändert. Halten Sie den Dienst an, und versuchen Sie es erneut.",
  },
  same_file: {
    title: "Zwei Namen für eine Datei",
    hint: "Es wurde nichts geändert. Stellen Sie nur die Komponente einer der beiden wieder her; eine Datenbank sollte nur einen Namen haben.",
  },
  restore_unfinished: {
    title: "Eine frühere Wiederherstellung ist nicht abgeschlossen",
    hint: "Beheben Sie den genannten Grund und stellen Sie erneut wieder her. Geht das nicht, verschieben Sie den oben genannten Ordner und bewahren Sie ihn auf: Er enthält, was vorher da war.",
  },
  replaced_meanwhile: {
    title: "Ein anderes Programm hat inzwischen eine Datei ersetzt",
    hint: "Halten Sie den Dienst an, und versuchen Sie es erneut.",
  },
  content_differs: {
    title: "Eine Datei enthält nicht, was erwartet wurde",
    hint: "Alles ist, wie es vorher war. Prüfen Sie die Platte und das Archiv.",
  },
  check_failed: {
    title: "Was aus dem Archiv kam, besteht die Prüfung nicht",
    hint: "Alles ist, wie es vorher war. Wählen Sie ein anderes Archiv, oder machen Sie mit diesem die Probe.",
  },
  not_undoable: {
    title: "Das lässt sich nicht zurücknehmen",
    hint: "Zurücknehmen lässt sich nur die neueste Wiederherstellung einer Instanz: Der Verlauf zeigt sie. Was vorher gesichert wurde, bleibt.",
  },
  rollback_failed: {
    title: "Die Wiederherstellung ist fehlgeschlagen, und die Rücknahme auch",
    hint: "Halten Sie den Dienst an, und starten Sie Holdfast neu: Es nimmt weiter zurück. Was vorher gesichert wurde, enthält alles.",
  },

  not_initialised: {
    title: "Es gibt noch keine Schlüssel",
    hint: "Erzeugen Sie sie im Bereich Schlüssel, oder lesen Sie dort ein Rettungsblatt ein.",
  },
  already_initialised: {
    title: "Diese Installation hat schon Schlüssel",
    hint: "Ein Rettungsblatt liest nur eine frische Installation ein.",
  },
  bad_kit: {
    title: "Das ist kein Rettungsblatt",
    hint: "Wählen Sie die Textdatei, die der Bereich Schlüssel als Rettungsblatt gespeichert hat.",
  },
  last_recipient: {
    title: "Der letzte Empfänger bleibt",
    hint: "Ohne ihn könnte niemand die Archive öffnen. Fügen Sie zuerst einen anderen hinzu.",
  },
  no_recipient: {
    title: "Es gibt niemanden, für den verschlüsselt wird",
    hint: "Fügen Sie im Bereich Schlüssel einen Empfänger hinzu.",
  },
  keyring_absent: {
    title: "In dieser Sitzung antwortet kein Schlüsselbund",
    hint: "Melden Sie sich an einem Desktop mit Schlüsselbund an, oder starten Sie Holdfast mit HOLDFAST_KEYRING=file: Dann liegen die Schlüssel im Datenordner.",
  },
  keyring_locked: {
    title: "Der Schlüsselbund ist gesperrt",
    hint: "Entsperren Sie ihn (durch Anmelden, oder in Ihrer Passwortverwaltung), und versuchen Sie es erneut.",
  },
  keyring_failed: {
    title: "Der Schlüsselbund arbeitet nicht",
    hint: "Sehen Sie nach dem Schlüsselbunddienst, und versuchen Sie es erneut.",
  },
  keys_unavailable: {
    title: "Die Schlüssel dieser Installation sind nicht im Schlüsselbund",
    hint: "Stellen Sie den Schlüsselbund wieder her, oder lesen Sie das Rettungsblatt in eine frische Installation ein. Neue Schlüssel entstehen nie aus Versehen.",
  },
  keys_wrong: {
    title: "Im Schlüsselbund liegen andere Schlüssel als die dieser Installation",
    hint: "Stellen Sie den Schlüsselbund wieder her, oder lesen Sie das Rettungsblatt in eine frische Installation ein.",
  },

  bad_cron: {
    title: "Dieses Muster kennt cron nicht",
    hint: "Es hat fünf Felder: Minute, Stunde, Tag des Monats, Monat, Wochentag. 0 3 * * * heißt täglich um drei.",
  },
  impossible_cron: {
    title: "Auf dieses Muster passt kein Tag",
    hint: "Berichtigen Sie Tag und Monat: So liefe der Zeitplan nie.",
  },
  unknown_zone: {
    title: "Diese Zeitzone gibt es nicht",
    hint: "Nehmen Sie einen Namen wie Europe/Berlin, America/New_York oder UTC.",
  },
  interval_too_short: { title: "Das ist zu oft", hint: "Der kürzeste Abstand ist eine Minute." },
  bad_duration: { title: "Das ist keine Zeitspanne", hint: "Geben Sie eine an wie 90s, 15m, 6h, 1h30m oder 2d." },
  unknown_cadence: {
    title: "Niemand weiß, wann dieser Zeitplan fällig ist",
    hint: "Seine Zeiten kommen aus einer Erweiterung, ohne die dieses Programm gestartet wurde. Geben Sie ihm andere Zeiten, oder entfernen Sie ihn.",
  },
  schedule_without_instance: {
    title: "Die Instanz dieses Zeitplans ist nicht mehr da",
    hint: "Geben Sie ihm eine andere, oder entfernen Sie ihn.",
  },
  schedule_without_destination: {
    title: "Dieser Zeitplan hat kein Ziel, das Archive annimmt",
    hint: "Schalten Sie im Raum Ziele eines ein, oder geben Sie dem Zeitplan ein anderes.",
  },
  schedule_lacks_destination: {
    title: "Einige Ziele dieses Zeitplans fehlen oder sind ausgeschaltet",
    hint: "Schalten Sie sie im Raum Ziele ein, oder nennen Sie die, die der Zeitplan haben soll.",
  },
  nothing_to_check: {
    title: "Es gibt kein Archiv, das geprüft werden könnte",
    hint: "Sichern Sie zuerst an dieses Ziel.",
  },
  archive_bad: {
    title: "Das geprüfte Archiv ist nicht in Ordnung",
    hint: "Sichern Sie jetzt neu, heben Sie die Kopie an einem anderen Ziel auf, und sehen Sie nach dem Datenträger von diesem.",
  },
  incomplete: {
    title: "Im Archiv ist nicht alles",
    hint: "Beheben Sie, was dort steht, und sichern Sie neu. Das Archiv dieses Laufs bleibt.",
  },
  interrupted: {
    title: "Das Programm endete mitten in diesem Lauf",
    hint: "Halb Fertiges ist nicht geblieben; ein geplanter Lauf wird einmal wiederholt, wenn es dafür nicht zu spät ist.",
  },
  job_store_newer: {
    title: "Die Zeitpläne gehören zu einer neueren Version von Holdfast",
    hint: "Nehmen Sie die neuere; diese führt keinen Zeitplan aus und lässt sie, wie sie sind.",
  },
  job_store_busy: {
    title: "Ein anderer Prozess hält den Speicher der Zeitpläne gesperrt",
    hint: "Versuchen Sie es noch einmal; geschieht es wieder, suchen Sie nach einem Prozess, der backup_jobs.db offen hat.",
  },
  job_store_corrupt: {
    title: "Der Speicher der Zeitpläne ist beschädigt: Kein Zeitplan läuft",
    hint: "Nehmen Sie backup_jobs.db aus dem Datenordner, und legen Sie die Zeitpläne neu an. Sicherungen und ihr Verlauf stehen nicht darin.",
  },
  job_store_read_only: {
    title: "Der Speicher der Zeitpläne kann nicht geschrieben werden: Kein Zeitplan läuft",
    hint: "Prüfen Sie Eigentümer und Rechte von backup_jobs.db im Datenordner, und ob sein Datenträger schreibbar eingebunden ist.",
  },
  job_store_failed: {
    title: "Der Speicher der Zeitpläne ist nicht zu gebrauchen",
    hint: "Sehen Sie nach dem Datenordner: Sein Datenträger ist vielleicht voll oder nur lesbar.",
  },

  unknown: {
    title: "Das gibt es nicht",
    hint: "Vielleicht wurde es inzwischen umbenannt oder entfernt: Öffnen Sie den Bereich neu.",
  },
  taken: {
    title: "Das gibt es schon",
    hint: "Wählen Sie einen anderen Namen, oder entfernen Sie zuerst, was da ist.",
  },
  bad_value: { title: "Dieser Wert geht nicht", hint: "Berichtigen Sie ihn, und versuchen Sie es erneut." },
  cancelled: { title: "Abgebrochen", hint: "Nichts blieb halb liegen; beginnen Sie neu, wann Sie wollen." },
  bad_policy: {
    title: "Das kann keine Regel für die Aufbewahrung sein",
    hint: "Berichtigen Sie, was oben genannt ist.",
  },
  retention_busy: {
    title: "Alte Archive werden dort schon gelöscht",
    hint: "Warten Sie, bis das zu Ende ist, und sehen Sie nach, was übrig ist.",
  },
  not_deleted: {
    title: "Nicht jedes alte Archiv konnte gelöscht werden",
    hint: "Beheben Sie, was oben genannt ist; nach der nächsten Sicherung wird es wieder versucht.",
  },
  archive_in_use: {
    title: "Das Archiv wird gerade gelesen",
    hint: "Warten Sie, bis die Wiederherstellung oder Prüfung zu Ende ist, und versuchen Sie es erneut.",
  },
  archive_changed: {
    title: "Das Archiv ist nicht die Datei, die festgehalten wurde",
    hint: "Es wurde nicht angerührt. Prüfen Sie es im Raum Verlauf, und löschen Sie es von Hand, wenn es gehen darf.",
  },
  autostart: {
    title: "Der Start mit der Desktop-Sitzung ließ sich nicht ändern",
    hint: "Die Einstellung bleibt. Beheben Sie das und setzen Sie sie noch einmal.",
  },
  act_running: { title: "Das läuft schon", hint: "Warten Sie, bis es endet, oder brechen Sie es ab." },
  store_newer: {
    title: "Der Datenordner gehört zu einer neueren Version von Holdfast",
    hint: "Nehmen Sie die neuere Version; diese lässt den Ordner in Ruhe.",
  },
  store_failed: {
    title: "Die eigenen Aufzeichnungen von Holdfast sind nicht zu gebrauchen",
    hint: "Sehen Sie nach dem Datenordner: Seine Platte ist vielleicht voll oder schreibgeschützt. Archive gehen damit nicht verloren.",
  },
  store_read_only: {
    title: "In den Datenordner kann nicht geschrieben werden",
    hint: "Machen Sie ihn für diesen Benutzer wieder beschreibbar. Bis dahin wird nichts aufgezeichnet; die Archive an ihren Zielen sind heil.",
  },
  store_full: {
    title: "Die Platte des Datenordners ist voll",
    hint: "Schaffen Sie Platz darauf, und versuchen Sie es erneut. Die Archive an ihren Zielen sind heil.",
  },
  store_busy: {
    title: "Ein anderer Prozess von Holdfast schreibt gerade seine Aufzeichnungen",
    hint: "Versuchen Sie es erneut; geschieht es wieder, suchen Sie nach einem Prozess, der hängt.",
  },
  usage: {
    title: "Holdfast wurde mit einer Angabe gestartet, die nicht geht",
    hint: "Berichtigen Sie, was oben genannt ist, dort, wo Holdfast gestartet wird, und starten Sie es neu.",
  },
  no_data_folder: {
    title: "Es gibt keinen Ort für die eigenen Daten von Holdfast",
    hint: "Setzen Sie HOLDFAST_DATA_DIR auf einen eigenen Ordner, und starten Sie neu.",
  },
  internal: {
    title: "Etwas ist nicht, wie es sein soll",
    hint: "Das ist ein Fehler in Holdfast: Bitte melden Sie ihn mit dem, was Sie getan haben, und der Meldung oben.",
  },
};
