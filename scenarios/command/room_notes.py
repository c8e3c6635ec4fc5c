"""What a table says of images whose smallest stream is larger than the room."""


def room_notes(files, snr_db):
    """Lines below a table, one per system and SNR where images did not fit.

    Parameters
    ----------
    files : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        Extras ``smallest_stream_bytes`` and ``room_bytes``, of the images that did not
        fit alone

    snr_db : sequence of `float`
        SNRs of the table [dB]

    Output
    ------
    : list of `str`
    """
    lines = []
    for file in files:
        for snr in file.axis.sort(snr_db):
            smallest = file.estimate("smallest_stream_bytes", snr)
            if smallest is None:
                continue
            room = file.estimate("room_bytes", snr).mean
            images = file.estimate("outage", snr).num_images
            lines.append(
                f"* {file.title}, {file.axis.names(snr)}: the smallest stream of "
                f"{smallest.num_images} of {images} images does not fit: "
                f"{smallest.mean:.0f} bytes on average, the room is {room:.0f} (most "
                "that is carried at a predicted outage below 1 %); such an image is "
                "sent at a higher one, or lost where no scheme may carry it"
            )
    return lines
